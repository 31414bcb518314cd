package survive

import io.roamio.Conference
import io.roamio.ConferenceEvent
import io.roamio.ConferenceState
import io.roamio.RoamioException
import io.roamio.jsonOf
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject

@Serializable
private class Text(val message: String, val to: String = "all")

/** Plays the scenes and keeps the accounts. */
class Survivor(
    private val conference: Conference,
    private val portal: Portal,
    private val report: Report,
    private val scope: CoroutineScope,
) {
    val witness = Witness()

    /** What the conference tells, in order. */
    fun hear(event: ConferenceEvent) {
        when (event) {
            is ConferenceEvent.State -> {
                val cause = event.cause?.let { ": ${it.message}" }.orEmpty()
                report.say("state", event.state.name.lowercase() + cause)
                if (event.state == ConferenceState.ENDED) witness.see { it.copy(end = event.cause?.code) }
            }
            is ConferenceEvent.Retry -> {
                val wait = event.delay?.let { "${it.toMillis()} ms" } ?: "never"
                report.say("retry", "attempt ${event.attempt} in $wait")
            }
            is ConferenceEvent.Resumed -> {
                val doubt = if (event.complete) "" else "; some may be lost"
                report.say("resumed", "${event.replayed} missed notifications follow$doubt")
                witness.see { it.copy(resumed = it.resumed + 1) }
            }
            is ConferenceEvent.Gap -> {
                report.say("gap", "${event.from} to ${event.to}${if (event.certain) "" else ", perhaps"}")
                witness.see { it.copy(gaps = it.gaps + 1) }
            }
            is ConferenceEvent.Notification -> {
                val text = "${event.payload.name} ${canonical(event.payload.args.firstOrNull() ?: "null")}"
                witness.see { it.copy(notifications = it.notifications + text) }
            }
            else -> Unit
        }
    }

    // Requests: each has exactly one outcome.

    private fun request(name: String, dataJson: String) {
        witness.see { it.copy(requested = it.requested + 1) }
        scope.launch {
            val outcome = try {
                conference.request(name, dataJson)
                Outcome.REPLIED
            } catch (error: RoamioException) {
                Outcome.of(error).also { report.say("request", "${it.name.lowercase()}: ${error.message}") }
            }
            witness.see { it.settled(outcome) }
        }
    }

    private fun text(message: String = "hello from Kotlin") {
        witness.see { it.copy(said = it.said + 1) }
        request("text", jsonOf(Text(message)))
    }

    private suspend fun texts(count: Int) {
        repeat(count) { text() }
        witness.wait("an answer to every text") { it.hasAllOutcomes }
    }

    // The scenes.

    /** Another participant speaks: 100 texts to the room, 5 ms apart. */
    private suspend fun othersSpeak() {
        witness.see { it.copy(said = it.said + 100) }
        portal.fault("100 texts", "texts?room=demo&count=100&gap_ms=5")
    }

    private suspend fun allHeard() = witness.wait("everything that was said") { it.hasHeardAll }

    private suspend fun resumed(times: Int) = witness.wait("resume $times") { it.resumed == times }

    suspend fun loseTheNetworkAgainAndAgain() {
        texts(10)
        allHeard()

        portal.fault("RST while idle", "cut?all=true&how=rst")
        othersSpeak()
        resumed(1)
        allHeard()
        texts(10)
        allHeard()

        portal.fault("half-open", "freeze?all=true&direction=out&mode=discard")
        othersSpeak()
        text("into the silence")
        resumed(2)
        witness.wait("an outcome") { it.count(Outcome.UNKNOWN) == 1 }
        texts(10)
        allHeard()

        portal.fault("an ack is swallowed", "swallow-ack?request=text")
        text("swallowed")
        allHeard() // so the portal has executed it
        portal.fault("closed by the network", "cut?all=true&how=fin")
        resumed(3)
        witness.wait("an outcome") { it.count(Outcome.UNKNOWN) == 2 }

        portal.fault("silence, then a hint", "freeze?all=true&direction=both&mode=discard")
        othersSpeak()
        report.say("hint", "the system says that the network changed")
        conference.networkChanged()
        resumed(4)

        othersSpeak()
        allHeard()
        request("unpublish", """{"id":"no-such-stream"}""")
        witness.wait("a refusal") { it.count(Outcome.REFUSED) == 1 }
        texts(7)
        allHeard()
    }
}

/** JSON that is the same text whenever it says the same. */
fun canonical(json: String): String = sorted(Json.parseToJsonElement(json)).toString()

private fun sorted(value: JsonElement): JsonElement = when (value) {
    is JsonObject -> JsonObject(value.toSortedMap().mapValues { sorted(it.value) })
    is JsonArray -> JsonArray(value.map(::sorted))
    else -> value
}
