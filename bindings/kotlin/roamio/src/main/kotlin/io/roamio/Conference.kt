package io.roamio

import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext

/**
 * A conference session, from one login to its end. It survives changes of the network. A new session is a
 * new conference with a new token.
 *
 * Calls may be made on any thread, none blocks. A conference that nobody has any more is closed.
 *
 * @param options what differs from the defaults of the library.
 * @param tokens where fresh tokens come from: with it a session that cannot be resumed is followed by another
 * one ([ConferenceEvent.Rejoined]); without it, it ends.
 * @throws RoamioException `INVALID_ARGUMENT` naming the option that is out of range, or for a certificate that
 * cannot be used; `UNSUPPORTED`.
 */
class Conference(
    options: ConferenceOptions = ConferenceOptions(),
    tokens: TokenSource? = null,
) : Hinted, AutoCloseable {
    internal val lane = Lane()
    private val sources = sourceScope()
    private val delivery = Delivery<ConferenceEvent, ConferenceState>(
        lane, ConferenceState.IDLE, ConferenceState.ENDED
    ) { (it as? ConferenceEvent.State)?.state }
    internal val core = ConferenceCore(
        options,
        Posting(delivery),
        tokens?.let { TokenAsker(sources, it) },
    )

    init {
        finishWhenForgotten(delivery)
    }

    /** What the conference was last said to be. */
    val state: StateFlow<ConferenceState> get() = delivery.state

    /** The room as the portal has described it so far; empty before the login. */
    val room: Room get() = core.room()

    /** What the conference has done so far. */
    val stats: Stats get() = core.stats()

    /**
     * All that happens from this call on, in order. The flow ends with the conference, after its last event.
     *
     * Nothing is dropped: with 1,000 events that a collector has not fetched, no more are read from the
     * network. What happens before somebody collects is kept, without limit, until somebody does or the flow
     * is forgotten. Collecting it again gives what happens from then on.
     */
    fun events(): Flow<ConferenceEvent> = delivery.stream { it }

    /** The portal's notifications from this call on, as [events]: all, or those of a [name]. */
    fun notifications(name: String? = null): Flow<ConferenceNotification> = delivery.stream { event ->
        (event as? ConferenceEvent.Notification)
            ?.takeIf { name == null || it.payload.name == name }
            ?.let { ConferenceNotification(it.payload, it.replayed, it.number) }
    }

    /** The states from this call on, as [events]: every one of them, unlike those that [state] shows. */
    fun states(): Flow<ConferenceState> = delivery.states()

    /**
     * Log in with a [token] from your server, which is used at most once. Gives the portal's answer, an object
     * with `id`, `user`, `role`, `permission`, `room`. Cancelling does not undo the login.
     *
     * @throws RoamioException `TOKEN_INVALID` for a token that cannot be decoded or asks for plain text that is
     * not allowed, `INVALID_STATE` when this conference was used before, `LOGIN_REJECTED`, `LOGIN_UNKNOWN`,
     * `CANCELLED` by a logout, `CLOSED`, or why the portal could not be reached.
     */
    suspend fun login(token: String): Payload = lane.outcome { core.login(token) }

    /**
     * Leave the conference. Also a cancelled coroutine carries it out.
     *
     * @throws RoamioException `LEFT_UNCONFIRMED` when the portal has not confirmed it: the participant may stay
     * visible for a while; `NOT_LOGGED_IN`, `CLOSED`.
     */
    suspend fun logout() = withContext(NonCancellable) { lane.outcome { core.logout() } }

    /**
     * Ask the portal, and give its answer. While the session is not ready it waits for it. [dataJson] is an
     * object; with the legacy protocol, the array of the arguments.
     *
     * When its coroutine is cancelled, the request is: if it was not written yet it never is.
     *
     * @throws RoamioException `NOT_LOGGED_IN`, `RESERVED_EVENT`, `INVALID_JSON`, `TOO_LARGE`, `QUEUE_FULL`,
     * `CLOSED`, `REQUEST_REJECTED`, `ACK_TIMEOUT` or `ACK_LOST` (the portal may have acted), `NOT_SENT`,
     * `DROPPED`.
     */
    suspend fun request(
        name: String,
        dataJson: String,
        options: RequestOptions = RequestOptions(),
    ): Payload = lane.outcome { core.request(name, dataJson, options) }

    /**
     * Leave the session and log in anew, with a token from the source of tokens: for example because a gap has
     * made the room unknown. Gives the portal's answer, as [login]. Cancelling does not undo it.
     *
     * @throws RoamioException as [login]; `INVALID_STATE` without a source; and when the source throws or does
     * not answer in time (`TIMED_OUT`): then the old session goes on.
     */
    suspend fun rejoin(): Payload = lane.outcome { core.rejoin() }

    /**
     * Everything that is needed to resume this session in another process, as text, for [restore]. It is a
     * secret: whoever has it takes over the session. A notification counts as handled once the flows have it,
     * so collect them to where they wait before the process ends.
     *
     * @throws RoamioException `NOT_LOGGED_IN` unless there is a session that can be resumed, `CLOSED`.
     */
    fun export(): String = core.exportSession()

    /**
     * In place of a login: resume the session that was [exported]. What was missed is replayed. Gives an answer
     * without arguments, or that of a login where the session was replaced with a fresh token. Cancelling does
     * not undo it.
     *
     * @throws RoamioException `EXPORT_FOREIGN`, `EXPORT_NEWER`, `EXPORT_DAMAGED` for a text that cannot be used,
     * `INVALID_ARGUMENT` for one of another protocol, `INVALID_STATE` when this conference was used before, or
     * why the session has ended.
     */
    suspend fun restore(exported: String): Payload = lane.outcome { core.restore(exported) }

    /**
     * Close without a logout: the participant stays visible for minutes. Pending requests end `CLOSED`, flows
     * end. Does not wait.
     */
    override fun close() {
        delivery.finish()
        sources.cancel()
        core.detach()
    }

    /** [close], and wait until the library has let go of this conference and of its trace. */
    suspend fun shutdown() = withContext(NonCancellable) {
        close()
        core.shutdown()
    }

    override fun networkAvailable() = hint(core::networkAvailable)
    override fun networkLost() = hint(core::networkLost)
    override fun networkChanged() = hint(core::networkChanged)
    override fun suspended() = hint(core::suspended)
    override fun resumed() = hint(core::resumed)

    private class Posting(
        private val delivery: Delivery<ConferenceEvent, *>,
    ) : ConferenceObserver {
        override fun onEvent(event: ConferenceEvent) = delivery.post(event)
    }
}

/** A notification of the portal. */
data class ConferenceNotification(
    /** Its name, and its data as the first argument. */
    val payload: Payload,
    /** It was missed and came with the replay. */
    val replayed: Boolean,
    /** Its position among the notifications since login, from 1. */
    val number: ULong,
) {
    /** Its name. */
    val name: String get() = payload.name
}
