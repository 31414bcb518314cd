package survive

import java.io.File
import java.io.Writer

/** What happens, on the screen, and what was done to the network, for the timeline. */
class Report(marks: String?) : AutoCloseable {
    private val start = System.nanoTime()
    private val marks: Writer? = marks?.let { File(it).bufferedWriter() }

    @Synchronized
    fun say(who: String, text: String) {
        println("%9.1f ms  %-8s %s".format((System.nanoTime() - start) / 1e6, who, text))
    }

    @Synchronized
    fun mark(text: String) {
        marks?.write("""{"wall_ms":${System.currentTimeMillis()},"text":"$text"}""" + "\n")
    }

    override fun close() {
        marks?.close()
    }
}
