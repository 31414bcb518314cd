import XCTest

@testable import Roamio

final class DeliveryTests: XCTestCase {
    private let lane = Lane()
    private lazy var numbers = Delivery<Int>(lane) { $0 < 0 }

    func testEveryStreamHasTheEventsFromItsStartOn() async {
        numbers.post(1)
        let early = numbers.stream { $0 }
        numbers.post(2)
        let late = numbers.stream { $0 > 2 ? "\($0)" : nil }
        numbers.post(3)
        numbers.post(-1)
        let heard = await (early.reduce(into: []) { $0.append($1) }, late.reduce("", +))
        XCTAssertEqual(heard.0, [2, 3, -1])
        XCTAssertEqual(heard.1, "3")
        let after = await numbers.stream { $0 }.reduce(0, +)
        XCTAssertEqual(after, 0)
    }

    func testThePosterWaitsForASlowReader() async throws {
        let stream = numbers.stream { $0 }
        let numbers = numbers
        let count = 5_000
        Thread.detachNewThread {
            (0..<count).forEach(numbers.post)
            numbers.finish()
        }
        let heard = try await within { await stream.reduce(into: []) { $0.append($1) } }
        XCTAssertEqual(heard, Array(0..<count))
    }

    func testNobodyWaitsForAForgottenStreamOrACancelledReader() async throws {
        var stream: AsyncStream<Int>? = numbers.stream { $0 }
        let numbers = numbers
        let reader = Task { [cancelled = numbers.stream { $0 }] in
            for await _ in cancelled {}
        }
        reader.cancel()
        await reader.value
        async let posted: Void = within { (0..<2_000).forEach(numbers.post) }
        XCTAssertNotNil(stream)
        stream = nil
        try await posted
    }

    func testNobodyWaitsWhileAnOutcomeIsAwaited() async throws {
        let stream = numbers.stream { $0 }
        let numbers = numbers, lane = lane
        try await within { await lane.outcome { (0..<2_000).forEach(numbers.post) } }
        numbers.finish()
        let count = await stream.reduce(0) { count, _ in count + 1 }
        XCTAssertEqual(count, 2_000)
    }
}
