import Roamio
import XCTest

/// What must come in time: far more than anything here takes, on a busy machine too.
func within<Value: Sendable>(
    seconds: Double = 30, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(nanoseconds: UInt64(seconds * 1e9))
            throw TooLate(seconds: seconds)
        }
        defer { group.cancelAll() }
        return try await group.next()!
    }
}

struct TooLate: Error {
    let seconds: Double
}

/// The first so many elements of a stream.
func first<Element: Sendable>(_ count: Int, of stream: AsyncStream<Element>) async throws -> [Element] {
    let found = try await within {
        var found: [Element] = []
        for await element in stream {
            found.append(element)
            if found.count == count { break }
        }
        return found
    }
    XCTAssertEqual(found.count, count, "the stream ended")
    return found
}

/// Read a stream until an element is as wanted.
func read<Element: Sendable>(
    _ stream: AsyncStream<Element>, until isWanted: @escaping @Sendable (Element) -> Bool
) async throws {
    let found = try await within { await stream.contains(where: isWanted) }
    XCTAssertTrue(found, "the stream ended")
}

/// The error code that a call throws.
func code(_ call: () async throws -> Void) async -> ErrorCode? {
    do {
        try await call()
        return nil
    } catch {
        return (error as? RoamioError)?.code
    }
}
