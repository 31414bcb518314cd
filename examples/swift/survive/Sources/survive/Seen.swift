import Foundation
import Roamio

/// What the conference has told.
struct Seen: Sendable {
    /// Name and data, in the order of delivery.
    var notifications: [String] = []
    var outcomes: [Outcome: Int] = [:]
    var resumed = 0, gaps = 0
    var said = 0, requested = 0
    var end: ErrorCode?

    func count(_ outcome: Outcome) -> Int { outcomes[outcome, default: 0] }
    var settled: Int { outcomes.values.reduce(0, +) }
    var hasHeardAll: Bool { notifications.count == said }
}

/// What becomes of a request.
enum Outcome {
    case replied, unknown, refused, failed

    init(_ error: any Error) {
        switch (error as? RoamioError)?.code {
        case .ackLost: self = .unknown
        case .requestRejected: self = .refused
        default: self = .failed
        }
    }
}

/// `Seen`, changed by several tasks and awaited by one.
actor Witness {
    private(set) var seen = Seen()
    private var waiting: (condition: @Sendable (Seen) -> Bool, reader: CheckedContinuation<Void, Never>)?

    func see(_ change: @Sendable (inout Seen) -> Void) {
        change(&seen)
        if let waiting, waiting.condition(seen) {
            self.waiting = nil
            waiting.reader.resume()
        }
    }

    func wait(for what: String, until condition: @escaping @Sendable (Seen) -> Bool) async {
        if condition(seen) { return }
        let alarm = Task {
            try await Task.sleep(nanoseconds: 20_000_000_000)
            print("\(what) did not happen within 20 s")
            exit(1)
        }
        await withCheckedContinuation { waiting = (condition, $0) }
        alarm.cancel()
    }
}
