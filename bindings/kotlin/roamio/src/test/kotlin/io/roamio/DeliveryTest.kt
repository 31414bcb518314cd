package io.roamio

import kotlin.concurrent.thread
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

internal class DeliveryTest {
    private val lane = Lane()
    private val numbers = Delivery<Int, Boolean>(lane, first = false, last = true) { if (it < 0) true else null }

    private fun post(range: IntRange) = range.forEach(numbers::post)

    @Test
    fun `every flow has the events from its start on`() = test {
        numbers.post(1)
        val early = numbers.stream { it }
        numbers.post(2)
        val late = numbers.stream { number -> number.takeIf { it > 2 }?.toString() }
        numbers.post(3)
        assertEquals(false, numbers.state.value)
        numbers.post(-1)
        assertEquals(listOf(2, 3, -1), early.toList())
        assertEquals(listOf("3"), late.toList())
        assertEquals(emptyList<Int>(), early.toList())
        assertEquals(emptyList<Int>(), numbers.stream { it }.toList())
        assertEquals(true, numbers.state.value)
    }

    @Test
    fun `the poster waits for a slow collector`() = test {
        val flow = numbers.stream { it }
        val room = Channel<Unit>(Channel.UNLIMITED)
        val heard = async(start = CoroutineStart.UNDISPATCHED) {
            val list = mutableListOf<Int>()
            flow.collect {
                room.receive()
                list += it
            }
            list
        }
        val poster = thread {
            post(0 until 5_000)
            numbers.finish()
        }
        // It gets no further than the limit while nothing is fetched.
        while (poster.state != Thread.State.WAITING) yield()
        repeat(5_000) { room.send(Unit) }
        assertEquals((0 until 5_000).toList(), heard.await())
    }

    @Test
    fun `nobody waits for a flow that was cancelled`() = test {
        val flow = numbers.stream { it }
        launch(start = CoroutineStart.UNDISPATCHED) { flow.collect {} }.cancelAndJoin()
        withContext(Dispatchers.IO) { post(0 until 2_000) }
    }

    @Test
    fun `what was forgotten is let go of`() = test {
        var flow: Flow<Int>? = numbers.stream { it }
        // Nobody collects, so nobody waits.
        post(0 until 2_000)
        assertEquals(0, flow?.first())
        flow = numbers.stream { it }
        assertTrue(numbers.isListenedTo)
        @Suppress("AssignedValueIsNeverRead", "UNUSED_VALUE")
        flow = null
        while (numbers.isListenedTo) {
            System.gc()
            yield()
        }
    }

    @Test
    fun `nobody waits while an outcome is awaited`() = test {
        val flow = numbers.stream { it }
        val slow = launch(start = CoroutineStart.UNDISPATCHED) { flow.collect { Channel<Unit>().receive() } }
        lane.outcome { withContext(Dispatchers.IO) { post(0 until 2_000) } }
        slow.cancelAndJoin()
    }

    @Test
    fun `who collects again hears what happens from then on`() = test {
        val flow = numbers.stream { it }
        post(1..3)
        assertEquals(1, flow.first())
        post(4..5)
        val again = async(start = CoroutineStart.UNDISPATCHED) { flow.toList() }
        post(6..7)
        numbers.finish()
        assertEquals(listOf(6, 7), again.await())
    }
}
