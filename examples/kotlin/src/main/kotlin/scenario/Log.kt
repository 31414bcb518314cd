package scenario

import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.withTimeoutOrNull

/** Lines that are told by objects and awaited by steps. */
class Log {
    private val told = MutableStateFlow(emptyList<String>())

    val lines: List<String> get() = told.value

    fun tell(line: String) = told.update { it + line }

    /** Wait for a line of index [start] or later that begins with these [words]; its index. */
    suspend fun wait(start: Int, words: String): Int {
        fun find(lines: List<String>) = (start until lines.size).find { begins(lines[it], words) }
        val lines = withTimeoutOrNull(20.seconds) { told.first { find(it) != null } }
        return lines?.let(::find) ?: error("nobody told '$words'")
    }
}

/** Whether a line begins with whole words. */
fun begins(line: String, words: String): Boolean = "$line ".startsWith("$words ")
