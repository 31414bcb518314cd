package scenario

import io.roamio.Conference
import io.roamio.ConferenceEvent
import io.roamio.Manager
import io.roamio.Socket
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

/** A conference, or a socket, of a scenario. What it tells is taken where it comes, on the library's thread. */
class Seat(val name: String, private val names: Names) {
    val log = Log()

    /** How many of the lines were awaited. */
    private var awaited = 0

    /** Who logs in. */
    @Volatile
    var user = ""

    /** The conference is destroyed as this is told. */
    @Volatile
    var destroyOn: String? = null

    lateinit var conference: Conference
    lateinit var socket: Socket
    private lateinit var manager: Manager

    fun sit(conference: Conference, scope: CoroutineScope) {
        this.conference = conference
        val events = conference.events()
        scope.launch(Dispatchers.Unconfined) { events.collect(::hear) }
    }

    fun sit(manager: Manager, socket: Socket, scope: CoroutineScope) {
        this.manager = manager
        this.socket = socket
        val events = socket.events()
        scope.launch(Dispatchers.Unconfined) { events.collect { lineOf(it)?.let(log::tell) } }
    }

    private fun hear(event: ConferenceEvent) {
        if (event is ConferenceEvent.Rejoined) names.learn(name, event.answer)
        val line = lineOf(event) ?: return
        if (destroyOn?.let { begins(line, it) } == true) conference.close()
        log.tell(line)
    }

    /** Wait for a line after the one that was awaited last. */
    suspend fun wait(words: String) {
        awaited = log.wait(awaited, words) + 1
    }

    suspend fun close() {
        if (::conference.isInitialized) conference.shutdown()
        if (::socket.isInitialized) {
            socket.shutdown()
            manager.shutdown()
        }
    }
}
