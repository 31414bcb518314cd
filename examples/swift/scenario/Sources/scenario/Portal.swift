import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The application's server, which has tokens, and the one who makes the faults: both are the embedded
/// portal's HTTP.
struct Portal: Sendable {
    let url: String

    /// A token for the one room of every scenario.
    func token(_ user: String) async throws -> String {
        try await post("/v1/rooms/room/tokens", #"{"user":"\#(user)","role":"presenter"}"#)
    }

    /// Send a request and read the body of its answer, which must be a success.
    @discardableResult
    func post(_ path: String, _ body: String = "") async throws -> String {
        guard let url = URL(string: url + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "content-type")
        request.httpBody = Data(body.utf8)
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = String(decoding: data, as: UTF8.self)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw Trouble("POST \(path): \(answer)")
        }
        return answer
    }
}
