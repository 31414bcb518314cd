package io.roamio

import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext

/**
 * A connection to one Socket.IO server, shared by its sockets. It is made when the first of them connects, and
 * made again whenever it is lost.
 *
 * Calls may be made on any thread, none blocks. A manager that nobody has any more is closed; the connection
 * goes on while there are sockets.
 */
class Manager private constructor(
    url: String,
    options: ManagerOptions,
    target: TargetSource?,
) : Hinted, AutoCloseable {
    private val lane = Lane()
    private val sources = sourceScope()
    private val delivery = Delivery<ManagerEvent, ManagerState>(
        lane, ManagerState.IDLE, ManagerState.CLOSED
    ) { (it as? ManagerEvent.State)?.state }
    private val core = ManagerCore(
        url,
        options,
        Posting(delivery),
        target?.let { TargetAsker(sources, it) },
    )

    init {
        finishWhenForgotten(delivery)
    }

    /**
     * A manager for the server of a URL (`https`, `wss`, `http`, `ws`), whose path says nothing here. No traffic
     * before a socket connects.
     *
     * @throws RoamioException `INVALID_URL`; `INVALID_ARGUMENT` naming the option that is out of range, or for a
     * certificate that cannot be used; `UNSUPPORTED`.
     */
    constructor(url: String, options: ManagerOptions = ManagerOptions()) : this(url, options, null)

    /**
     * A manager that asks [target] before every attempt to connect.
     *
     * @throws RoamioException as the other constructor.
     */
    constructor(options: ManagerOptions = ManagerOptions(), target: TargetSource) : this("", options, target)

    /**
     * A socket on a [namespace]. [auth] is asked for the payload before every attempt to join.
     *
     * @throws RoamioException `INVALID_ARGUMENT` for a name that is no namespace or an option out of range,
     * `INVALID_STATE` while another socket of this manager uses the namespace, `CLOSED`.
     */
    fun socket(
        namespace: String = "/",
        options: SocketOptions = SocketOptions(),
        auth: AuthSource? = null,
    ): Socket = Socket(lane, auth) { observer, provider -> core.socket(namespace, options, observer, provider) }

    /** Whether a socket uses a [namespace]. */
    fun uses(namespace: String): Boolean = core.uses(namespace)

    /** What the manager was last said to be. */
    val state: StateFlow<ManagerState> get() = delivery.state

    /** What the manager and its sockets have done so far. */
    val stats: Stats get() = core.stats()

    /** All that happens to the connection from this call on, as [Conference.events]. */
    fun events(): Flow<ManagerEvent> = delivery.stream { it }

    /** The states from this call on: every one of them, unlike those that [state] shows. */
    fun states(): Flow<ManagerState> = delivery.states()

    /**
     * Send other headers from the next attempt on.
     *
     * @throws RoamioException `INVALID_ARGUMENT`, `CLOSED`.
     */
    fun setHeaders(headers: Map<String, String>) = core.setHeaders(headers)

    /**
     * Reconnect in another way, from the next wait on.
     *
     * @throws RoamioException `INVALID_ARGUMENT`, `CLOSED`.
     */
    fun setReconnect(options: ReconnectOptions) = core.setReconnect(options)

    /** Close this manager; its flows end. The connection goes on while there are sockets. Does not wait. */
    override fun close() {
        delivery.finish()
        sources.cancel()
        core.detach()
    }

    /** [close], and wait until the library has let go of this manager. */
    suspend fun shutdown() = withContext(NonCancellable) {
        close()
        core.shutdown()
    }

    override fun networkAvailable() = hint(core::networkAvailable)
    override fun networkLost() = hint(core::networkLost)
    override fun networkChanged() = hint(core::networkChanged)
    override fun suspended() = hint(core::suspended)
    override fun resumed() = hint(core::resumed)

    private class Posting(private val delivery: Delivery<ManagerEvent, *>) : ManagerObserver {
        override fun onEvent(event: ManagerEvent) = delivery.post(event)
    }
}
