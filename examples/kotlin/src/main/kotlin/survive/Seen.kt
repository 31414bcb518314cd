package survive

import io.roamio.ErrorCode
import io.roamio.RoamioException
import io.roamio.code
import kotlin.system.exitProcess
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.withTimeoutOrNull

/** What the conference has told. */
data class Seen(
    /** Name and data, in the order of delivery. */
    val notifications: List<String> = emptyList(),
    val outcomes: Map<Outcome, Int> = emptyMap(),
    val resumed: Int = 0,
    val gaps: Int = 0,
    val said: Int = 0,
    val requested: Int = 0,
    val end: ErrorCode? = null,
) {
    fun count(outcome: Outcome): Int = outcomes[outcome] ?: 0

    fun settled(outcome: Outcome) = copy(outcomes = outcomes + (outcome to count(outcome) + 1))

    val hasAllOutcomes: Boolean get() = outcomes.values.sum() == requested
    val hasHeardAll: Boolean get() = notifications.size == said
}

/** What becomes of a request. */
enum class Outcome {
    REPLIED,
    UNKNOWN,
    REFUSED,
    FAILED;

    companion object {
        fun of(error: RoamioException) = when (error.code) {
            ErrorCode.ACK_LOST -> UNKNOWN
            ErrorCode.REQUEST_REJECTED -> REFUSED
            else -> FAILED
        }
    }
}

/** [Seen], changed by several coroutines and awaited by one. */
class Witness {
    val seen = MutableStateFlow(Seen())

    fun see(change: (Seen) -> Seen) = seen.update(change)

    suspend fun wait(what: String, condition: (Seen) -> Boolean) {
        withTimeoutOrNull(20.seconds) { seen.first(condition) } ?: run {
            println("$what did not happen within 20 s")
            exitProcess(1)
        }
    }
}
