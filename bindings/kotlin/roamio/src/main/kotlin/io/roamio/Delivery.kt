package io.roamio

import java.lang.ref.WeakReference
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.update

/**
 * What the objects of one connection share, as they share one thread of the library.
 *
 * While that thread waits for slow collectors, the outcome of a request cannot pass it. So it never waits
 * while somebody awaits one.
 */
internal class Lane {
    private val lock = ReentrantLock()
    private val changed = lock.newCondition()
    private var awaited = 0

    /** Run [body], which makes the flows move, under the lock. */
    fun <R> change(body: () -> R): R = lock.withLock {
        body().also { changed.signalAll() }
    }

    /** Wait until [body], run under the lock, gives something. */
    fun <R : Any> wait(body: (isAwaited: Boolean) -> R?): R = lock.withLock {
        var result = body(awaited > 0)
        while (result == null) {
            changed.awaitUninterruptibly()
            result = body(awaited > 0)
        }
        result
    }

    /** Await the outcome of a request. */
    suspend inline fun <R> outcome(call: () -> R): R {
        change { awaited += 1 }
        try {
            return call()
        } finally {
            change { awaited -= 1 }
        }
    }
}

/**
 * Brings the events of one object from the library's thread to its flows, in order.
 *
 * [stateOf] an event is the state that it tells; after the [last] one nothing follows.
 */
internal class Delivery<E : Any, S : Any>(
    private val lane: Lane,
    first: S,
    private val last: S,
    private val stateOf: (E) -> S?,
) {
    private val current = MutableStateFlow(first)
    /** Those that are collected. */
    private val read = mutableSetOf<Inbox<E>>()
    /** Those that nobody collects yet, for as long as somebody has the flow. */
    private val unread = mutableListOf<WeakReference<Inbox<E>>>()
    private var isFinished = false

    /** What the object was last said to be. */
    val state: StateFlow<S> = current.asStateFlow()

    /** Whether somebody would hear an event. */
    val isListenedTo: Boolean get() = lane.change { listening().isNotEmpty() }

    /** Take an event, on a thread of the library; waits while too many are unfetched. */
    fun post(event: E) {
        val state = stateOf(event)
        // What was on its way when the object was closed changes nothing.
        state?.let { new -> current.update { if (it == last) it else new } }
        // Given out after the lock, because it may run what an unconfined collector does.
        val inboxes = lane.wait { isAwaited ->
            val hasRoom = isFinished || isAwaited || read.all { it.unfetched < LIMIT }
            if (hasRoom) listening().onEach { it.unfetched += 1 } else null
        }
        inboxes.forEach { it.events.trySend(event) }
        if (state == last) finish()
    }

    /** The states from now on. */
    fun states(): Flow<S> = stream(stateOf)

    /**
     * The events from now on that [pick] makes something of. They end with the object. Who collects for a
     * second time gets those from that moment on.
     */
    fun <T : Any> stream(pick: (E) -> T?): Flow<T> {
        var kept: Inbox<E>? = Inbox<E>().also(::open)
        return flow {
            val inbox = lane.change { kept?.also { kept = null } ?: Inbox<E>().also(::open) }
            lane.change { read += inbox }
            try {
                for (event in inbox.events) {
                    lane.change { inbox.unfetched -= 1 }
                    pick(event)?.let { emit(it) }
                }
            } finally {
                lane.change { read -= inbox }
            }
        }
    }

    /** There are no more events: flows end, and nobody waits for room. */
    fun finish() {
        val inboxes = lane.change {
            isFinished = true
            listening()
        }
        current.value = last
        inboxes.forEach { it.events.close() }
    }

    private fun open(inbox: Inbox<E>) = lane.change {
        if (isFinished) inbox.events.close() else unread += WeakReference(inbox)
    }

    /** Under the lock. */
    private fun listening(): Set<Inbox<E>> {
        unread.removeAll { it.get() == null }
        return read + unread.mapNotNull { it.get() }
    }

    private companion object {
        /**
         * With so many events that a collector has not fetched the library's own queue fills, and when
         * that is full nothing more is read from the network.
         */
        const val LIMIT = 1_000
    }
}

/** The events that a flow has not given out yet. */
private class Inbox<E> {
    val events = Channel<E>(Channel.UNLIMITED)
    /** How many; the lane's lock protects it. */
    var unfetched = 0
}
