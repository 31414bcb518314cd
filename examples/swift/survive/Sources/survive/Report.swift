import Foundation

/// What happens, on the screen and in a trace that a timeline is drawn from.
final class Report: @unchecked Sendable {
    private let start = Date()
    private let lock = NSLock()
    private let file: FileHandle?

    init(trace: String?) {
        if let trace { _ = FileManager.default.createFile(atPath: trace, contents: nil) }
        file = trace.flatMap(FileHandle.init(forWritingAtPath:))
    }

    /// Milliseconds since the start.
    var now: Double { (Date().timeIntervalSince(start) * 1e4).rounded() / 10 }

    func say(_ who: String, _ text: String) {
        let time = String(format: "%9.1f ms", now)
        let name = who.padding(toLength: 8, withPad: " ", startingAt: 0)
        lock.withLock { print(time, "", name, text) }
    }

    func record(_ kind: String, _ what: [String: Any] = [:]) {
        let line = what.merging(["t": now, "kind": kind]) { own, _ in own }
        guard let file, let data = try? JSONSerialization.data(withJSONObject: line) else { return }
        lock.withLock { file.write(data + Data("\n".utf8)) }
    }
}
