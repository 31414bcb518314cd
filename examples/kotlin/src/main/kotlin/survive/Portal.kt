package survive

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import web.http

/** What an application's own server would do, and the faults. */
class Portal(port: String, private val report: Report) {
    private val url = "http://127.0.0.1:$port"

    suspend fun token(): String =
        http("POST", "$url/v1/rooms/demo/tokens", """{"user":"alice","role":"presenter"}""")

    /** Ask for a fault, and mark it in the timeline. */
    suspend fun fault(what: String, path: String) {
        report.say("network", "-- $what --")
        report.mark(what)
        http("POST", "$url/control/$path")
    }

    /** Everything that the portal has said to the participant and done for it. */
    suspend fun ledger(): List<String> {
        val present = Json.parseToJsonElement(http("GET", "$url/control/participants?room=demo"))
        val participant = present.jsonArray[0].jsonObject.getValue("id").jsonPrimitive.content
        return http("GET", "$url/control/ledger?participant=$participant&format=text").lines()
    }
}
