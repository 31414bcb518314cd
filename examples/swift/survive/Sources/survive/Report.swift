import Foundation

/// What happens, on the screen, and what was done to the network, for the timeline.
final class Report: @unchecked Sendable {
    private let start = Date()
    private let lock = NSLock()
    private let marks: FileHandle?

    init(marks: String?) {
        if let marks { _ = FileManager.default.createFile(atPath: marks, contents: nil) }
        self.marks = marks.flatMap(FileHandle.init(forWritingAtPath:))
    }

    func say(_ who: String, _ text: String) {
        let time = String(format: "%9.1f ms", Date().timeIntervalSince(start) * 1e3)
        let name = who.padding(toLength: 8, withPad: " ", startingAt: 0)
        lock.withLock { print(time, "", name, text) }
    }

    func mark(_ text: String) {
        let wall = Int(Date().timeIntervalSince1970 * 1e3)
        let line = "{\"wall_ms\":\(wall),\"text\":\"\(text)\"}\n"
        lock.withLock { marks?.write(Data(line.utf8)) }
    }
}
