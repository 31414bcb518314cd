import Roamio
import XCTest

private struct Text: Codable, Equatable {
    var to = "all"
    var from: String?
    let message: String
}

final class ConferenceTests: XCTestCase {
    func testASessionFromLoginToLogout() async throws {
        struct Login: Decodable { let id: String, user: String }
        let portal = try Portal()
        let conference = try Conference()
        XCTAssertEqual(conference.state, .idle)
        let states = conference.states(), notifications = conference.notifications("text")
        let login = try await conference.login(portal.token()).decode(Login.self)
        XCTAssertEqual(login.user, "alice")
        XCTAssertEqual(conference.room.participants.map(\.id), [login.id])
        try await portal.texts(3)
        let heard = try await first(3, of: notifications)
        XCTAssertEqual(heard.map(\.number), [1, 2, 3])
        XCTAssertFalse(heard.contains(where: \.replayed))
        XCTAssertEqual(try heard.map { try $0.decode(Text.self).message }.count, 3)
        let present = try await portal.participants()
        XCTAssertEqual(present, [login.id])
        try await conference.logout()
        let left = try await portal.participants()
        XCTAssertEqual(left, [])
        // A stream ends after the last event.
        let steps = try await within { await states.reduce(into: []) { $0.append($1) } }
        XCTAssertEqual(steps, [.joining, .ready, .leaving, .ended])
    }

    func testNothingIsLostWithTheConnection() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let states = conference.states(), notifications = conference.notifications()
        try await conference.login(portal.token())
        try await portal.control("freeze?all=true&direction=both&mode=discard")
        try await portal.texts(50)
        conference.networkChanged()
        let heard = try await first(50, of: notifications)
        XCTAssertEqual(heard.map(\.number), Array(1...50))
        XCTAssertTrue(heard.allSatisfy(\.replayed))
        let steps = try await first(4, of: states)
        XCTAssertEqual(steps, [.joining, .ready, .resuming, .ready])
    }

    func testEveryRequestHasOneOutcome() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let early = await code { try await conference.request("text", Text(message: "early")) }
        XCTAssertEqual(early, .notLoggedIn)
        try await conference.login(portal.token())
        try await conference.request("text", Text(message: "hello"))
        let refused = await code {
            try await conference.request("unpublish", ["id": "no-such-stream"])
        }
        XCTAssertEqual(refused, .requestRejected)
        try await portal.control("swallow-ack?request=text")
        let late = await code {
            let options = RequestOptions(timeout: 0.2)
            try await conference.request("text", Text(message: "swallowed"), options: options)
        }
        XCTAssertEqual(late, .ackTimeout)
    }

    func testCancellingATaskCancelsItsRequest() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let states = conference.states(), notifications = conference.notifications("text")
        try await conference.login(portal.token())
        try await portal.control("refuse?on=true&how=reset")
        try await portal.control("cut?all=true&how=rst")
        try await read(states) { $0 == .resuming }
        // It waits for the session, so it is never written.
        let request = Task { try await conference.request("text", Text(message: "given up")) }
        request.cancel()
        let outcome = await request.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError) }
        try await portal.control("refuse?on=false")
        try await conference.request("text", Text(message: "said"))
        let heard = try await first(1, of: notifications)[0]
        XCTAssertEqual(try heard.decode(Text.self).message, "said")
    }

    func testCancellingATaskEndsItsWaitForALogin() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let states = conference.states()
        let token = try await portal.token()
        try await portal.control("refuse?on=true&how=reset")
        let login = Task { try await conference.login(token) }
        _ = try await first(1, of: states)
        login.cancel()
        let outcome = await login.result
        try await portal.control("refuse?on=false")
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError) }
    }

    func testALostSessionIsFollowedByAnotherWithAFreshToken() async throws {
        let portal = try Portal()
        let conference = try Conference(tokens: { error in
            try await portal.token(user: error == nil ? "carol" : "bob")
        })
        let events = conference.events()
        try await conference.login(portal.token())
        let answer = try await within { try await conference.rejoin() }
        XCTAssertEqual(conference.room.participants.map(\.user), ["carol"])
        try await read(events) { event in
            if case .tokenWanted(nil) = event { true } else { false }
        }
        try await read(events) { event in
            if case .rejoined(answer) = event { true } else { false }
        }
        let stats = conference.stats()
        XCTAssertEqual(stats.connections, 2)
        XCTAssertGreaterThan(stats.bytesIn, 0)
    }

    func testAProviderThatThrowsRefuses() async throws {
        struct NoToken: Error {}
        let portal = try Portal()
        let conference = try Conference(tokens: { _ in throw NoToken() })
        try await conference.login(portal.token())
        let refused = await code { try await conference.rejoin() }
        XCTAssertEqual(refused, .cancelled)
        XCTAssertEqual(conference.state, .ready)
    }

    func testASessionGoesOnInAnotherConference() async throws {
        let portal = try Portal()
        let before = try Conference(), after = try Conference()
        try await before.login(portal.token())
        let exported = try before.export()
        await before.close()
        try await portal.texts(2)
        let notifications = after.notifications("text")
        try await after.restore(exported)
        let heard = try await first(2, of: notifications)
        XCTAssertEqual(heard.map(\.replayed), [true, true])
        try await after.request("text", Text(message: "still here"))
        let foreign = try Conference()
        let refused = await code { try await foreign.restore("no export") }
        XCTAssertEqual(refused, .exportForeign)
    }

    func testErrorsSayWhatHelps() async throws {
        let conference = try Conference()
        do {
            try await conference.login("no token")
            XCTFail("logged in")
        } catch let error as RoamioError {
            XCTAssertEqual(error.code, .tokenInvalid)
            XCTAssertEqual(error.retry, .login)
            XCTAssertEqual(error.localizedDescription, error.failure.message)
        }
        let options = ConferenceOptions(resume: ReconnectOptions(jitter: 7))
        XCTAssertThrowsError(try Conference(options)) { error in
            XCTAssertEqual((error as? RoamioError)?.code, .invalidArgument)
        }
    }

    func testClosingDoesNotLogOutAndSettlesRequests() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let events = conference.events()
        let notifications = conference.notifications("text")
        try await conference.login(portal.token())
        try await portal.control("swallow-ack?request=text")
        let request = Task { try await conference.request("text", Text(message: "a")) }
        _ = try await first(1, of: notifications)
        await conference.close()
        let outcome = await code { _ = try await request.value }
        XCTAssertEqual(outcome, .closed)
        let present = try await portal.participants()
        XCTAssertEqual(present.count, 1)
        _ = try await within { await events.reduce(0) { count, _ in count + 1 } }
    }

    func testAConferenceThatNobodyHasIsClosed() async throws {
        let portal = try Portal()
        var conference: Conference? = try Conference()
        let states = try XCTUnwrap(conference).states()
        try await XCTUnwrap(conference).login(portal.token())
        conference = nil
        _ = try await within { await states.reduce(0) { count, _ in count + 1 } }
    }
}
