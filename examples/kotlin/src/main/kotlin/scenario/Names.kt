package scenario

import io.roamio.Payload
import io.roamio.decode
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.serialization.Serializable

/** Participant ids, which differ from run to run: `$NAME` stands for them in scenarios and traces. */
class Names {
    private class Known(val name: String, val id: String)

    @Serializable
    private class Login(val id: String)

    /** In the order of the logins. */
    private val known = CopyOnWriteArrayList<Known>()

    /** Take the id from the answer to a login. */
    fun learn(name: String, answer: Payload) {
        known += Known("$$name", answer.decode<Login>().id)
    }

    /** Put ids in the place of names, always the newest. */
    fun resolve(text: String): String = known.foldRight(text) { it, rest -> rest.replace(it.name, it.id) }

    /** Put names in the place of ids. */
    fun hide(text: String): String = known.fold(text) { rest, it -> rest.replace(it.id, it.name) }
}
