package scenario

import io.roamio.Arguments
import io.roamio.Conference
import io.roamio.ConferenceOptions
import io.roamio.Manager
import io.roamio.RoamioException
import io.roamio.TokenSource
import io.roamio.code
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** Plays one step after the other. */
class Player(private val portal: Portal, private val scope: CoroutineScope) {
    private val names = Names()
    private val seats = linkedMapOf<String, Seat>()
    private val requests = linkedMapOf<String, Job>()
    private val exports = mutableMapOf<String, String>()
    private val outcomes = Log()

    suspend fun play(step: Step) {
        when (step.action) {
            "conference" -> conference(step)
            "login" -> login(step)
            "request" -> request(step)
            "cancel" -> requests.getValue(step.id).cancel()
            "hint" -> hint(step)
            "rejoin" -> ask(step) { done(of(step).conference.rejoin()) }
            "logout" -> ask(step) { done(of(step).conference.logout()) }
            "export" -> exports[step.to] = of(step).conference.export()
            "restore" -> ask(step) { done(of(step).conference.restore(exports.getValue(step.from))) }
            "detach" -> of(step).conference.close()
            "destroy_on" -> of(step).destroyOn = step.line
            "socket" -> socket(step)
            "emit" -> emit(step)
            "disconnect" -> of(step).socket.disconnect()
            "portal" -> portal.post(names.resolve(step.path))
            "pause" -> delay(step.ms)
            "await" -> step.line?.let { of(step).wait(it) } ?: outcomes.wait(0, step.id)
            else -> error("no step is called ${step.action}")
        }
    }

    suspend fun close() = seats.values.forEach { it.close() }

    fun print() {
        for (seat in seats.values) {
            seat.log.lines.forEach { println("${seat.name} ${names.hide(it)}") }
        }
        for (id in requests.keys) {
            println("outcome ${names.hide(outcomes.lines.single { begins(it, id) })}")
        }
    }

    private fun conference(step: Step) {
        val seat = Seat(step.owner, names)
        val options = ConferenceOptions(rejoinOnGap = step.rejoinOnGap)
        val tokens: TokenSource? = if (step.askToken) ({ portal.token(seat.user) }) else null
        seat.sit(Conference(options, tokens), scope)
        seats[seat.name] = seat
    }

    private suspend fun login(step: Step) {
        val seat = of(step)
        seat.user = step.user
        val token = portal.token(step.user)
        ask(step) { done(names.learn(seat.name, seat.conference.login(token))) }
    }

    private fun request(step: Step) {
        val data = names.resolve(step.data.toString())
        ask(step) { "done ${data(of(step).conference.request(step.name, data))}" }
    }

    private fun hint(step: Step) = with(of(step).conference) {
        when (step.kind) {
            "network_available" -> networkAvailable()
            "network_lost" -> networkLost()
            "network_changed" -> networkChanged()
            "suspended" -> suspended()
            "resumed" -> resumed()
            else -> error("no hint is called ${step.kind}")
        }
    }

    private fun socket(step: Step) {
        val seat = Seat(step.owner, names)
        val manager = Manager(portal.url)
        seat.sit(manager, manager.socket(step.namespace), scope)
        seats[seat.name] = seat
        seat.socket.connect()
    }

    private fun emit(step: Step) {
        val args = Arguments(step.args.toString(), step.attachments.map { it.hexToByteArray() })
        val socket = of(step).socket
        if (step.id.isEmpty()) {
            socket.emit(step.name, args)
        } else {
            ask(step) { "done ${args(socket.emitWithAck(step.name, args))}" }
        }
    }

    /** Begin something that has an outcome. An error of the call is one too. */
    private fun ask(step: Step, call: suspend () -> String) {
        requests[step.id] = scope.launch(start = CoroutineStart.UNDISPATCHED) {
            val what = try {
                call()
            } catch (error: RoamioException) {
                error.code.name
            } catch (_: CancellationException) {
                "CANCELLED"
            }
            outcomes.tell("${step.id} $what")
        }
    }

    private fun of(step: Step): Seat = seats.getValue(step.owner)

    /** An outcome whose answer is empty, or has ids and tickets in it. */
    @Suppress("UNUSED_PARAMETER")
    private fun done(answer: Any): String = "done"
}
