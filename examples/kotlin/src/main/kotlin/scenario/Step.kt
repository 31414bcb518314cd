package scenario

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject

@Serializable
class Scenario(val steps: List<Step>)

/** A step with the members that any of them has. */
@Serializable
class Step(
    @SerialName("do") val action: String,
    @SerialName("as") private val seat: String? = null,
    val id: String = "",
    val user: String = "",
    val name: String = "",
    val data: JsonObject? = null,
    val kind: String = "",
    val to: String = "",
    val from: String = "",
    val line: String? = null,
    val namespace: String = "/echo",
    val args: JsonArray? = null,
    val attachments: List<String> = emptyList(),
    val path: String = "",
    val ms: Long = 0,
    @SerialName("ask_token") val askToken: Boolean = false,
    @SerialName("rejoin_on_gap") val rejoinOnGap: Boolean = false,
) {
    /** Whose it is. */
    val owner: String
        get() = seat ?: if (action in listOf("socket", "emit", "disconnect")) "s" else "c"
}
