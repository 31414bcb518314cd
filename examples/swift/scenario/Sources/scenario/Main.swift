import Foundation
import Roamio

/// Plays a scenario of `tests/scenarios` and prints what a host sees of it. The same program exists in
/// every language of roamio, and all of them print the same.
///
///     scenario SCENARIO.json PORTAL_URL
@main
enum Main {
    static func main() async {
        let words = CommandLine.arguments.dropFirst()
        guard words.count == 2, let file = words.first, let url = words.last else {
            fail("usage: scenario SCENARIO.json PORTAL_URL")
        }
        do {
            print(try await play(file, Portal(url: url)), terminator: "")
        } catch {
            fail("\(file): \(error)")
        }
    }

    private static func play(_ file: String, _ portal: Portal) async throws -> String {
        let scenario = try Data(contentsOf: URL(fileURLWithPath: file))
        let steps = try JSONDecoder().decode(Scenario.self, from: scenario).steps
        let player = Player(portal)
        for (number, step) in steps.enumerated() {
            do {
                try await player.play(step)
            } catch {
                let soFar = await player.trace()
                throw Trouble("step \(number + 1): \(error)\nthe trace so far:\n\(soFar)")
            }
        }
        await player.close()
        return await player.trace()
    }

    private static func fail(_ text: String) -> Never {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
        exit(1)
    }
}

/// What is wrong, for people.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
