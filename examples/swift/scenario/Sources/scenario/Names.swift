import Foundation
import Roamio

/// Participant ids, which differ from run to run: `$NAME` stands for them in scenarios and traces.
actor Names {
    private struct Entered: Decodable {
        let id: String
    }

    private var known: [(id: String, name: String)] = []

    /// Take the id from the answer to a login.
    func learn(_ name: String, _ answer: Payload) throws {
        known.append((try answer.decode(Entered.self).id, "$\(name)"))
    }

    /// Put ids in the place of names, always the newest.
    func resolve(_ text: String) -> String {
        known.reversed().reduce(text) { $0.replacingOccurrences(of: $1.name, with: $1.id) }
    }

    /// Put names in the place of ids.
    func hide(_ text: String) -> String {
        known.reduce(text) { $0.replacingOccurrences(of: $1.id, with: $1.name) }
    }
}
