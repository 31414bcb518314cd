package scenario

import io.roamio.ConferenceEvent
import io.roamio.Failure
import io.roamio.Payload
import io.roamio.SocketEvent

/** Null: the event is not traced. */
fun lineOf(event: ConferenceEvent): String? = when (event) {
    is ConferenceEvent.State -> caused("state ${event.state.name.lowercase()}", event.cause)
    is ConferenceEvent.Resumable -> "resumable ${if (event.resumable) "yes" else "no"}"
    is ConferenceEvent.Notification -> {
        val how = if (event.replayed) "replayed" else "new"
        "notification ${event.number} $how ${event.payload.name} ${data(event.payload)}"
    }
    is ConferenceEvent.Resumed ->
        "resumed ${if (event.complete) "complete" else "incomplete"} ${event.replayed}"
    is ConferenceEvent.Gap ->
        "gap ${if (event.certain) "certain" else "uncertain"} ${event.from} ${event.to}"
    is ConferenceEvent.Migrated -> "migrated"
    is ConferenceEvent.Rejoined -> "rejoined"
    is ConferenceEvent.TokenWanted -> caused("token_wanted", event.error)
    is ConferenceEvent.ProtocolError -> caused("protocol_error", event.error)
    is ConferenceEvent.Retry, is ConferenceEvent.HostSlow -> null
}

/** Null: the event is not traced. */
fun lineOf(event: SocketEvent): String? = when (event) {
    is SocketEvent.State -> caused("state ${event.state.name.lowercase()}", event.cause)
    is SocketEvent.Event -> "event ${event.payload.name} ${args(event.payload)}"
    else -> null
}

fun caused(line: String, cause: Failure?): String = cause?.let { "$line ${it.code.name}" } ?: line

/** The one argument of a notification or an answer of the portal. */
fun data(payload: Payload): String = payload.args.firstOrNull() ?: "null"

/** ARGS [hex:DIGITS]... */
fun args(payload: Payload): String =
    payload.args.joinToString(",", "[", "]") + payload.attachments.joinToString("") { " hex:${it.toHexString()}" }
