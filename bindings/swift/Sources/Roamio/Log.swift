/// The log of the library, off at first.
public enum RoamioLog {
    /// Send the lines up to a level to `write`, in place of the former one: level, part of the library,
    /// text. They hold no token, ticket or payload. It is called on any thread, also by several at
    /// once, and must return soon.
    public static func send(
        _ level: LogLevel, to write: @escaping @Sendable (LogLevel, String, String) -> Void
    ) {
        setLog(level: level, sink: Sink(write))
    }

    /// Log no more.
    public static func off() {
        setLog()
    }
}

private final class Sink: LogSink {
    private let write: @Sendable (LogLevel, String, String) -> Void

    init(_ write: @escaping @Sendable (LogLevel, String, String) -> Void) {
        self.write = write
    }

    func line(level: LogLevel, target: String, text: String) {
        write(level, target, text)
    }
}
