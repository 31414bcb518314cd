import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What an application's own server would do, and the faults.
struct Portal: Sendable {
    let port: String
    let report: Report

    func token() async throws -> String {
        try await call("POST", "/v1/rooms/demo/tokens", #"{"user":"alice","role":"presenter"}"#)
    }

    /// Ask for a fault, and mark it in the timeline.
    func fault(_ what: String, _ path: String) async throws {
        report.say("network", "-- \(what) --")
        report.mark(what)
        _ = try await call("POST", "/control/\(path)")
    }

    /// Everything that the portal has said to the participant and done for it.
    func ledger() async throws -> [String] {
        struct Participant: Decodable { let id: String }
        let list = Data(try await call("GET", "/control/participants?room=demo").utf8)
        let participant = try JSONDecoder().decode([Participant].self, from: list)[0]
        let text = try await call("GET", "/control/ledger?participant=\(participant.id)&format=text")
        return text.split(separator: "\n").map(String.init)
    }

    private func call(_ method: String, _ path: String, _ body: String? = nil) async throws -> String {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else {
            throw URLError(.badURL)
        }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue("application/json", forHTTPHeaderField: "content-type")
        request.httpBody = body.map { Data($0.utf8) }
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw URLError(.badServerResponse)
        }
        return String(decoding: data, as: UTF8.self)
    }
}
