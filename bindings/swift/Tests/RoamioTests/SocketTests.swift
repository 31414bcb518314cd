import Foundation
import Roamio
import XCTest

/// Sockets at the server of `tests/conformance/servers/python`, which `test.sh` has started.
final class SocketTests: XCTestCase {
    private func url() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["ROAMIO_SERVER_URL"] else {
            throw XCTSkip("ROAMIO_SERVER_URL says no server")
        }
        return url
    }

    private func manager() throws -> Manager {
        try Manager(url(), ManagerOptions(reconnect: ReconnectOptions(min: 0.01)))
    }

    func testEventsAndAcksGoBothWays() async throws {
        let manager = try manager()
        let socket = try manager.socket()
        let echoes = socket.messages("echo"), questions = socket.messages("question")
        try socket.connect()
        let answer = try await within { try await socket.emitWithAck("ack", 1, ["a": ["é"]]) }
        XCTAssertEqual(try answer.decode(Int.self), 1)
        XCTAssertEqual(try answer.decode([String: [String]].self, at: 1), ["a": ["é"]])
        XCTAssertThrowsError(try answer.decode(Int.self, at: 2)) { error in
            XCTAssertTrue(error is DecodingError)
        }
        try socket.emit("echo", "x", [true])
        let echo = try await first(1, of: echoes)[0]
        XCTAssertEqual(try echo.decode(String.self), "x")
        XCTAssertEqual(try echo.decode([Bool].self, at: 1), [true])
        XCTAssertFalse(echo.wantsAck)

        let answers = socket.messages("answered")
        try socket.emit("ask", 6)
        let question = try await first(1, of: questions)[0]
        XCTAssertTrue(question.wantsAck)
        try question.ack(question.decode(Int.self) * 7)
        let answered = try await first(1, of: answers)[0]
        XCTAssertEqual(try answered.decode(Int.self), 42)
    }

    func testDataTravelsAsItIs() async throws {
        struct Deep: Codable, Equatable { let deep: [Data], text: String }
        let manager = try manager()
        let socket = try manager.socket()
        try socket.connect()
        let sent = Deep(deep: [Data([0, 255]), Data()], text: "a/b")
        let answer = try await within { try await socket.emitWithAck("ack", sent, Data("abc".utf8)) }
        XCTAssertEqual(try answer.decode(Deep.self), sent)
        XCTAssertEqual(try answer.decode(Data.self, at: 1), Data("abc".utf8))
    }

    func testAnAuthSourceIsAskedBeforeEveryJoin() async throws {
        struct Refusal: Decodable { let message: String }
        let manager = try manager()
        let socket = try manager.socket("/private", auth: { error in
            ["token": error == nil ? "wrong" : "secret"]
        })
        let events = socket.events()
        try socket.connect()
        let refusal: Failure? = try await within {
            for await case .connectError(let error, _) in events { return error }
            return nil
        }
        XCTAssertEqual(try refusal?.server(Refusal.self)?.message, "not authorized")
        let states = socket.states()
        try socket.connect()
        try await read(states) { $0 == .connected }
    }

    func testALostConnectionIsMadeAgain() async throws {
        let manager = try manager()
        let socket = try manager.socket()
        let states = socket.states(), echoes = socket.messages("echo")
        try socket.connect()
        try socket.emit("kill-connection")
        try await read(states) { $0 == .rejoining }
        try socket.emit("echo", "meanwhile")
        try await read(states) { $0 == .connected }
        let echo = try await first(1, of: echoes)[0]
        XCTAssertEqual(try echo.decode(String.self), "meanwhile")
    }

    func testCancellingATaskCancelsItsAck() async throws {
        let manager = try manager()
        let socket = try manager.socket()
        let states = socket.states()
        try socket.connect()
        try await read(states) { $0 == .connected }
        let asking = Task { try await socket.emitWithAck("late", 60_000) }
        // In order, so the server has the first when it answers the second.
        _ = try await within { try await socket.emitWithAck("ack") }
        asking.cancel()
        let outcome = await asking.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError) }
    }

    func testAReaderThatComesLateMissesNothing() async throws {
        let manager = try manager()
        let count = 3_000
        let socket = try manager.socket()
        let ticks = socket.messages("tick")
        try socket.connect()
        try socket.emit("burst", count)
        let heard = try await first(count, of: ticks).map { try $0.decode(Int.self) }
        XCTAssertEqual(heard, Array(0..<count))
    }

    func testSocketsOfARegistryShareAConnection() async throws {
        let url = try url()
        let registry = Registry()
        let root = try registry.socket(url), chat = try registry.socket("\(url)/chat")
        XCTAssertEqual([root.namespace, chat.namespace], ["/", "/chat"])
        let rootStates = root.states(), chatStates = chat.states()
        try root.connect()
        try chat.connect()
        try await read(rootStates) { $0 == .connected }
        try await read(chatStates) { $0 == .connected }
        try root.emit("kill-connection")
        try await read(chatStates) { $0 == .rejoining }
        await root.close()
        await chat.close()
        XCTAssertThrowsError(try registry.socket("ftp://nowhere")) { error in
            XCTAssertEqual((error as? RoamioError)?.code, .invalidUrl)
        }
    }

    func testATargetSourceSaysWhere() async throws {
        struct Nowhere: Error {}
        let url = try url()
        let options = ManagerOptions(reconnect: ReconnectOptions(min: 0.01))
        let manager = try Manager(options) { attempt, _ in
            if attempt == 0 { throw Nowhere() }
            return Target(url: url)
        }
        let states = manager.states()
        let socket = try manager.socket()
        try socket.connect()
        try await read(states) { $0 == .connected }
        await socket.close()
        await manager.close()
        XCTAssertEqual(socket.state, .closed)
        XCTAssertThrowsError(try socket.emit("echo")) { error in
            XCTAssertEqual((error as? RoamioError)?.code, .closed)
        }
    }
}
