import Foundation
import Roamio
import XCTest

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The embedded portal, which `test.sh` has started, and its control endpoints.
struct Portal {
    private let url: String
    /// A room of this test alone, as all tests have the same portal.
    let room = UUID().uuidString

    /// Throws `XCTSkip` where no portal runs.
    init() throws {
        guard let url = ProcessInfo.processInfo.environment["ROAMIO_PORTAL_URL"] else {
            throw XCTSkip("ROAMIO_PORTAL_URL says no portal")
        }
        self.url = url
    }

    /// What an application's own server would obtain.
    func token(user: String = "alice") async throws -> String {
        try await call("POST", "/v1/rooms/\(room)/tokens", #"{"user":"\#(user)","role":"presenter"}"#)
    }

    /// Ask for a fault, or for something to be said.
    func control(_ path: String, _ body: String? = nil) async throws {
        _ = try await call("POST", "/control/\(path)", body)
    }

    /// Let somebody speak to the room.
    func texts(_ count: Int) async throws {
        try await control("texts?room=\(room)&count=\(count)")
    }

    /// Who is in the room.
    func participants() async throws -> [String] {
        struct Participant: Decodable { let id: String }
        let text = try await call("GET", "/control/participants?room=\(room)")
        return try JSONDecoder().decode([Participant].self, from: Data(text.utf8)).map(\.id)
    }

    private func call(_ method: String, _ path: String, _ body: String? = nil) async throws -> String {
        var request = URLRequest(url: try XCTUnwrap(URL(string: url + path)))
        request.httpMethod = method
        request.setValue("application/json", forHTTPHeaderField: "content-type")
        request.httpBody = body.map { Data($0.utf8) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let text = String(decoding: data, as: UTF8.self)
        XCTAssertEqual((response as? HTTPURLResponse)?.statusCode, 200, "\(path): \(text)")
        return text
    }
}
