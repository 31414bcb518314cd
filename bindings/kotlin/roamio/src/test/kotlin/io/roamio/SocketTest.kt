package io.roamio

import java.time.Duration
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test

/** Sockets at the server of `tests/conformance/servers/python`, which `test.sh` has started. */
internal class SocketTest {
    private val url = System.getenv("ROAMIO_SERVER_URL").orEmpty()
    private val options = ManagerOptions(reconnect = ReconnectOptions(min = Duration.ofMillis(10)))

    init {
        assumeTrue(url.isNotEmpty(), "ROAMIO_SERVER_URL says no server")
    }

    private fun manager() = Manager(url, options)

    @Test
    fun `events and acks go both ways`() = test {
        val manager = manager()
        val socket = manager.socket()
        val echoes = socket.messages("echo")
        val questions = socket.messages("question")
        socket.connect()
        val answer = socket.emitWithAck("ack", argsOf(1, mapOf("a" to listOf("é"))))
        assertEquals(1, answer.decode<Int>())
        assertEquals(mapOf("a" to listOf("é")), answer.decode<Map<String, List<String>>>(1))
        assertThrows(SerializationException::class.java) { answer.decode<Int>(2) }
        socket.emit("echo", argsOf("x", listOf(true)))
        val echo = echoes.first()
        assertEquals("x", echo.decode<String>())
        assertEquals(listOf(true), echo.decode<List<Boolean>>(1))
        assertFalse(echo.wantsAck)

        val answers = socket.messages("answered")
        socket.emit("ask", argsOf(6))
        val question = questions.first()
        assertTrue(question.wantsAck)
        question.ack(argsOf(question.decode<Int>() * 7))
        assertEquals(42, answers.first().decode<Int>())
        manager.close()
        socket.close()
    }

    @Test
    fun `bytes travel as they are`() = test {
        val manager = manager()
        val socket = manager.socket()
        socket.connect()
        val sent = Deep(listOf(byteArrayOf(0, -1), byteArrayOf()), "a/b")
        val answer = socket.emitWithAck("ack", argsOf(sent, "abc".toByteArray()))
        val back = answer.decode<Deep>()
        assertEquals(sent.text, back.text)
        assertEquals(2, back.deep.size)
        back.deep.zip(sent.deep).forEach { (one, other) -> assertArrayEquals(other, one) }
        assertArrayEquals("abc".toByteArray(), answer.decode<ByteArray>(1))
        socket.close()
    }

    @Serializable
    private class Deep(val deep: List<Binary>, val text: String)

    @Test
    fun `an auth source is asked before every join`() = test {
        val manager = manager()
        val socket = manager.socket("/private", auth = { error ->
            jsonOf(mapOf("token" to if (error == null) "wrong" else "secret"))
        })
        val refusals = socket.events().filterIsInstance<SocketEvent.ConnectError>()
        socket.connect()
        assertEquals("not authorized", refusals.first().error.server<Refusal>()?.message)
        socket.connect()
        socket.state.first { it == SocketState.CONNECTED }
        socket.close()
    }

    @Serializable
    private class Refusal(val message: String)

    @Test
    fun `a lost connection is made again`() = test {
        val manager = manager()
        val socket = manager.socket()
        val states = socket.states().produceIn(this)
        val echoes = socket.messages("echo")
        socket.connect()
        socket.emit("kill-connection")
        states.until { it == SocketState.REJOINING }
        socket.emit("echo", argsOf("meanwhile"))
        states.until { it == SocketState.CONNECTED }
        assertEquals("meanwhile", echoes.first().decode<String>())
        socket.close()
    }

    @Test
    fun `cancelling a coroutine cancels its ack`() = test {
        val manager = manager()
        val socket = manager.socket()
        socket.connect()
        socket.state.first { it == SocketState.CONNECTED }
        val asking = launch(start = CoroutineStart.UNDISPATCHED) { socket.emitWithAck("late", argsOf(60_000)) }
        // In order, so the server has the first when it answers the second.
        socket.emitWithAck("ack")
        asking.cancelAndJoin()
        assertTrue(asking.isCancelled)
        socket.close()
    }

    @Test
    fun `a collector that comes late misses nothing`() = test {
        val manager = manager()
        val count = 3_000
        val socket = manager.socket()
        val ticks = socket.messages("tick")
        socket.connect()
        socket.emit("burst", argsOf(count))
        // What follows them has arrived, so they have.
        socket.messages("echo").let { socket.emit("echo"); it.first() }
        assertEquals((0 until count).toList(), ticks.take(count).map { it.decode<Int>() }.toList())
        socket.close()
    }

    @Test
    fun `sockets of a registry share a connection`() = test {
        val registry = Registry()
        val root = registry.socket(url)
        val chat = registry.socket("$url/chat")
        assertEquals(listOf("/", "/chat"), listOf(root.namespace, chat.namespace))
        root.connect()
        chat.connect()
        root.state.first { it == SocketState.CONNECTED }
        chat.state.first { it == SocketState.CONNECTED }
        val states = chat.states().produceIn(this)
        root.emit("kill-connection")
        states.until { it == SocketState.REJOINING }
        root.close()
        chat.close()
        assertEquals(ErrorCode.INVALID_URL, code { registry.socket("ftp://nowhere") })
    }

    @Test
    fun `a target source says where`() = test {
        val manager = Manager(options) { attempt, _ ->
            check(attempt > 0u) { "nowhere" }
            Target(url)
        }
        val connected = async { manager.state.first { it == ManagerState.CONNECTED } }
        val socket = manager.socket()
        socket.connect()
        connected.await()
        socket.shutdown()
        manager.shutdown()
        assertEquals(SocketState.CLOSED, socket.state.value)
        assertEquals(ManagerState.CLOSED, manager.state.value)
        assertEquals(ErrorCode.CLOSED, code { socket.emit("echo") })
    }
}
