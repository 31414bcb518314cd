package io.roamio

/** The log of the library, off at first. */
object RoamioLog {
    /**
     * Send the lines up to a [level] to [write], in place of the former one: level, part of the library, text. They
     * hold no token, ticket or payload. It is called on any thread, also by several at once, and must return soon.
     */
    fun send(level: LogLevel, write: (level: LogLevel, target: String, text: String) -> Unit) {
        setLog(level, Sink(write))
    }

    /** Log no more. */
    fun off() {
        setLog()
    }

    private class Sink(private val write: (LogLevel, String, String) -> Unit) : LogSink {
        override fun line(level: LogLevel, target: String, text: String) = write(level, target, text)
    }
}
