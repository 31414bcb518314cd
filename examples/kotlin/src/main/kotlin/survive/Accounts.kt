package survive

import io.roamio.ErrorCode

/** Everything that was seen against the portal's ledger. */
class Accounts(private val seen: Seen, ledger: List<String>) {
    private val issued = entries(ledger, "notification").map { (name, data) -> "$name ${canonical(data)}" }
    private val executed = entries(ledger, "request").map { (_, data) -> data }

    /** Name and data of the lines of a kind. */
    private fun entries(ledger: List<String>, kind: String): List<Pair<String, String>> =
        ledger.filter { it.startsWith("$kind ") }
            .map { it.split(' ', limit = 4) }
            .map { (_, _, name, data) -> name to data }

    private val lost: Int
        get() = issued.zip(seen.notifications).count { (one, other) -> one != other } +
            maxOf(0, issued.size - seen.notifications.size)

    private val doubled: Int get() = maxOf(0, seen.notifications.size - issued.size)

    private val swallowed: Int get() = executed.count { "\"swallowed\"" in it }

    /** The totals, worded as in every language. */
    val totals: String
        get() = "resumed ${seen.resumed} of 4, " +
            "notifications ${seen.notifications.size} of ${issued.size}, " +
            "lost $lost, doubled $doubled, requests ${seen.requested}: " +
            "replied ${seen.count(Outcome.REPLIED)}, unknown ${seen.count(Outcome.UNKNOWN)}, " +
            "refused ${seen.count(Outcome.REFUSED)}"

    val requests: String
        get() = "the portal executed ${executed.size} requests, the swallowed one $swallowed time(s)"

    val areRight: Boolean
        get() {
            val answered = seen.count(Outcome.REPLIED) + seen.count(Outcome.UNKNOWN)
            return seen.resumed == 4 && issued.isNotEmpty() && lost == 0 && doubled == 0 && seen.gaps == 0 &&
                seen.count(Outcome.FAILED) == 0 && swallowed == 1 &&
                answered + seen.count(Outcome.REFUSED) == seen.requested &&
                executed.size == answered && seen.end == ErrorCode.SERVER_RESTARTED
        }
}
