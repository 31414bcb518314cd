import Roamio
import XCTest

/// Requests and notifications as values.
final class RequestTests: XCTestCase {
    func testMediaAreNegotiatedWithValues() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let login = try await conference.login(portal.token()).login()
        XCTAssertEqual(login.room.participants.map(\.id), [login.id])
        let notifications = conference.notifications()
        let track = PublishTrack(kind: .video, mid: "0", source: .camera)
        let published = try await conference.publish(
            Publish(media: .tracks(tracks: [track]), attributes: ["n": [1, "é"]]))
        let offer = Signaling(kind: "offer", sdp: "v=0")
        try await conference.soac(published.transportId, offer)
        var steps: [String?] = []
        let added = try await told(notifications) { notification -> RoomStream? in
            switch notification {
            case .progress(_, let signaling?): steps.append(signaling.kind)
            case .streamAdded(let stream): return stream
            default: break
            }
            return nil
        }
        XCTAssertEqual(steps.first, "answer")
        XCTAssertEqual(added.id, published.id)
        XCTAssertEqual(added.owner, login.id)
        XCTAssertEqual(added.info?.attributes, ["n": [1, "é"]])

        let received = SubscribeTrack(kind: .video, mid: "0", from: published.id)
        let subscribed = try await conference.subscribe(Subscribe(media: .tracks(tracks: [received])))
        try await conference.soac(subscribed.transportId, offer)
        try await conference.subscriptionControl(subscribed.id, .pause(.video))
        try await conference.unsubscribe(subscribed.id)
        let region = try await conference.streamControl(published.id, .pause(.video))
        XCTAssertNil(region)
        let update = try await told(notifications) { notification -> StreamUpdate? in
            if case .streamUpdated(let update) = notification { update } else { nil }
        }
        XCTAssertEqual(update.field, "video.status")
        XCTAssertEqual(update.value, "inactive")
        try await conference.unpublish(published.id)
    }

    func testTextsAreAnyJson() async throws {
        struct Message: Codable, Equatable { let deep: [String], n: Double }
        let portal = try Portal()
        let conference = try Conference()
        let notifications = conference.notifications("text")
        try await conference.login(portal.token())
        let message = Message(deep: ["é", "\"\n"], n: 0.5)
        try await conference.text(Json(message))
        try await conference.text(["deep": ["é", "\"\n"], "n": 0.5])
        for _ in 1...2 {
            let text = try await told(notifications) { notification -> TextMessage? in
                if case .text(let text) = notification { text } else { nil }
            }
            XCTAssertEqual(try text.message?.decode(Message.self), message)
        }
        let refused = await code { try await conference.unpublish("no-such-stream") }
        XCTAssertEqual(refused, .requestRejected)
        let endless = PublishVideo(
            source: .camera, parameters: VideoParameters(framerate: .infinity))
        let invalid = await code {
            _ = try await conference.publish(
                Publish(media: .parts(audio: nil, video: endless)))
        }
        XCTAssertEqual(invalid, .invalidJson)
    }

    func testWhatIsNotKnownIsToldAsItIs() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let notifications = conference.notifications()
        let login = try await conference.login(portal.token()).login()
        try await portal.control("notify?participant=\(login.id ?? "")&event=news", #"{"n":1}"#)
        let news = try await first(1, of: notifications)[0]
        XCTAssertNil(news.typed)
        XCTAssertEqual(news.payload.args, [#"{"n":1}"#])
    }

    func testCancellingATaskCancelsARequestWithValues() async throws {
        let portal = try Portal()
        let conference = try Conference()
        let notifications = conference.notifications("text")
        try await conference.login(portal.token())
        try await portal.control("swallow-ack?request=text")
        let request = Task { try await conference.text("given up") }
        _ = try await first(1, of: notifications)
        request.cancel()
        let outcome = await request.result
        XCTAssertThrowsError(try outcome.get()) { XCTAssertTrue($0 is CancellationError) }
    }

    func testLiteralsAreWhatTheySay() {
        let json: Json = ["a": [true, 1, -0.5, "\"é/\n"], "b": [:]]
        XCTAssertEqual(json.text, #"{"a":[true,1,-0.5,"\"é/\n"],"b":{}}"#)
    }

    /// The first of the notifications that `pick` makes something of.
    private func told<Value>(
        _ notifications: AsyncStream<ConferenceNotification>,
        _ pick: (PortalNotification) -> Value?
    ) async throws -> Value {
        while true {
            let notification = try await first(1, of: notifications)[0]
            if let value = notification.typed.flatMap(pick) { return value }
        }
    }
}
