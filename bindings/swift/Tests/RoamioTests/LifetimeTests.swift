import Roamio
import XCTest

/// What the program throws, and how objects end.
final class LifetimeTests: XCTestCase {
    private struct Secret: Error, CustomStringConvertible {
        let description = "what must not be seen"
    }

    /// Throws what no observer should.
    private final class Failing: ConferenceObserver, TraceSink, SocketHook {
        func onEvent(event: ConferenceEvent) throws { throw Secret() }
        func line(text: String) throws { throw Secret() }
        func onSocket(socket: Int64, purpose: SocketPurpose) throws { throw Secret() }
    }

    private final class Lines: @unchecked Sendable {
        private let lock = NSLock()
        private var lines: [String] = []

        var all: [String] { lock.withLock { lines } }
        func add(_ line: String) { lock.withLock { lines.append(line) } }
    }

    func testWhatAnObserverThrowsIsLoggedByNameOnly() async throws {
        let portal = try Portal()
        let lines = Lines()
        RoamioLog.send(.error) { _, _, text in lines.add(text) }
        defer { RoamioLog.off() }
        let connection = ConnectionOptions(trace: Failing())
        let conference = try ConferenceCore(
            options: ConferenceOptions(connection: connection), observer: Failing())
        _ = try await conference.login(token: portal.token())
        XCTAssertEqual(conference.state(), .ready)
        try await conference.logout()
        await conference.shutdown()
        for whom in ["a conference's observer", "a trace sink"] {
            XCTAssertTrue(lines.all.contains { $0.hasPrefix("\(whom) of the host threw") }, whom)
        }
        XCTAssertFalse(lines.all.contains { $0.contains("must not be seen") })
    }

    func testASocketHookThatThrowsForbidsTheSocket() async throws {
        let portal = try Portal()
        let connection = ConnectionOptions(onSocket: Failing())
        let conference = try Conference(ConferenceOptions(connection: connection))
        let events = conference.events()
        let login = Task { [token = try await portal.token()] in try await conference.login(token) }
        try await read(events) { event in
            if case .retry = event { true } else { false }
        }
        await conference.close()
        let outcome = await code { _ = try await login.value }
        XCTAssertEqual(outcome, .closed)
    }

    func testObjectsMayBeForgottenOnAnyThread() async throws {
        let portal = try Portal()
        let conferences = Box(try (1...8).map { _ in try Conference() })
        let states = conferences.take { $0.map { $0.states() } }
        for conference in conferences.take({ $0 }) {
            try await conference.login(portal.token())
        }
        Thread.detachNewThread { conferences.empty() }
        for stream in states {
            _ = try await within { await stream.reduce(0) { count, _ in count + 1 } }
        }
    }

    func testAConferenceMayBeForgottenByWhoReadsItsEvents() async throws {
        let portal = try Portal()
        let box = Box([try Conference()])
        let states = box.take { $0[0].states() }
        let reader = Task {
            for await state in states where state == .ready {
                box.empty()
            }
        }
        // Whoever asks has it until it is answered.
        try await box.take { $0[0] }.login(portal.token())
        try await within { await reader.value }
    }

    /// Holds objects until it is emptied.
    private final class Box: @unchecked Sendable {
        private let lock = NSLock()
        private var held: [Conference]

        init(_ held: [Conference]) { self.held = held }
        func take<Value>(_ pick: ([Conference]) -> Value) -> Value { lock.withLock { pick(held) } }
        func empty() { lock.withLock { held = [] } }
    }
}
