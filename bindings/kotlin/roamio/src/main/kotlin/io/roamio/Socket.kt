package io.roamio

import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext

/**
 * A namespace of a manager, made by [Manager.socket] or [Registry.socket]. Events emitted while it is not
 * connected wait for the connection, in order and bounded.
 *
 * Calls may be made on any thread, none blocks. A socket that nobody has any more is closed.
 */
class Socket internal constructor(
    private val lane: Lane,
    auth: AuthSource?,
    make: (SocketObserver, AuthProvider?) -> SocketCore,
) : AutoCloseable {
    private val sources = sourceScope()
    private val delivery = Delivery<SocketEvent, SocketState>(
        lane, SocketState.IDLE, SocketState.CLOSED
    ) { (it as? SocketEvent.State)?.state }
    private val core = make(Posting(delivery), auth?.let { AuthAsker(sources, it) })

    init {
        finishWhenForgotten(delivery)
    }

    /** The namespace. */
    val namespace: String get() = core.namespace()

    /** What the socket was last said to be. */
    val state: StateFlow<SocketState> get() = delivery.state

    /** All that happens from this call on, as [Conference.events]. */
    fun events(): Flow<SocketEvent> = delivery.stream { it }

    /** The server's events from this call on, as [Conference.events]: all, or those of a [name]. */
    fun messages(name: String? = null): Flow<Message> {
        val core = core
        return delivery.stream { event ->
            (event as? SocketEvent.Event)
                ?.takeIf { name == null || it.payload.name == name }
                ?.let { Message(it.payload, it.ack, core) }
        }
    }

    /** The states from this call on: every one of them, unlike those that [state] shows. */
    fun states(): Flow<SocketState> = delivery.states()

    /**
     * Join the namespace, now and after every reconnect, with [authJson], a JSON object, as payload; without it,
     * with that of the auth source, if there is one. Does not wait.
     *
     * @throws RoamioException `INVALID_JSON`, `TOO_LARGE`, `CLOSED`, `QUEUE_FULL`.
     */
    fun connect(authJson: String? = null) = core.connect(authJson)

    /**
     * Leave the namespace. What was emitted before is sent before.
     *
     * @throws RoamioException `CLOSED`.
     */
    fun disconnect() = core.disconnect()

    /**
     * Emit an event. Does not wait; the [options] say what becomes of it without a connection. Attachments are
     * those of [args].
     *
     * @throws RoamioException `RESERVED_EVENT`, `INVALID_JSON`, `TOO_LARGE`, `ATTACHMENTS`, `QUEUE_FULL`,
     * `CLOSED`.
     */
    fun emit(name: String, args: Arguments = Arguments(), options: EmitOptions = EmitOptions()) =
        core.emit(name, args.json, options.copy(attachments = args.attachments))

    /**
     * Emit an event and give what the server answers it with.
     *
     * When its coroutine is cancelled, so is the event: if it was not written yet it never is.
     *
     * @throws RoamioException as [emit]; `ACK_TIMEOUT` or `ACK_LOST` (the server may have acted), `NOT_SENT`.
     */
    suspend fun emitWithAck(
        name: String,
        args: Arguments = Arguments(),
        options: EmitOptions = EmitOptions(),
    ): Payload = lane.outcome {
        core.emitWithAck(name, args.json, options.copy(attachments = args.attachments))
    }

    /**
     * Whether every event is told as it is written ([SocketEvent.Sent]); no at first.
     *
     * @throws RoamioException `CLOSED`.
     */
    fun watchSent(watch: Boolean = true) = core.watchSent(watch)

    /** Leave the namespace and close this socket; pending acks end `CLOSED`, flows end. Does not wait. */
    override fun close() {
        delivery.finish()
        sources.cancel()
        core.detach()
    }

    /** [close], and wait until the library has let go of this socket. */
    suspend fun shutdown() = withContext(NonCancellable) {
        close()
        core.shutdown()
    }

    private class Posting(private val delivery: Delivery<SocketEvent, *>) : SocketObserver {
        override fun onEvent(event: SocketEvent) = delivery.post(event)
    }
}

/** An event of a server. */
class Message internal constructor(
    /** Its name and arguments. */
    val payload: Payload,
    private val token: ULong?,
    private val socket: SocketCore,
) {
    /** Its name. */
    val name: String get() = payload.name

    /** The server waits for an answer. */
    val wantsAck: Boolean get() = token != null

    /**
     * Answer, if the server waits for it. Only the first answer is sent, and only on the connection that the
     * event came from.
     *
     * @throws RoamioException `INVALID_JSON`, `TOO_LARGE`, `ATTACHMENTS`, `QUEUE_FULL`, `CLOSED`.
     */
    fun ack(args: Arguments = Arguments()) {
        token?.let { socket.ack(it, args.json, args.attachments) }
    }
}
