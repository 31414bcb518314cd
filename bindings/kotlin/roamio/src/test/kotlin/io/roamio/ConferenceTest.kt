package io.roamio

import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

internal class ConferenceTest {
    @Serializable
    private class Text(val message: String, val to: String = "all", val from: String? = null)

    @Serializable
    private class Login(val id: String, val user: String)

    @Test
    fun `a session from login to logout`() = test {
        val portal = Portal()
        val conference = Conference()
        assertEquals(ConferenceState.IDLE, conference.state.value)
        val states = conference.states()
        val notifications = conference.notifications("text").produceIn(this)
        val login = conference.login(portal.token()).decode<Login>()
        assertEquals("alice", login.user)
        assertEquals(listOf(login.id), conference.room.participants.map { it.id })
        portal.texts(3)
        val heard = notifications.next(3)
        assertEquals(listOf(1uL, 2uL, 3uL), heard.map { it.number })
        assertFalse(heard.any { it.replayed })
        assertEquals(3, heard.map { it.decode<Text>().message }.toSet().size)
        assertEquals(listOf(login.id), portal.participants())
        assertEquals(ConferenceState.READY, conference.state.value)
        assertTrue(conference.stats.messagesIn > 3uL)
        conference.logout()
        assertEquals(emptyList<String>(), portal.participants())
        // A flow ends after the last event.
        val steps = listOf("JOINING", "READY", "LEAVING", "ENDED")
        assertEquals(steps, states.toList().map { it.name })
        assertEquals(ConferenceState.ENDED, conference.state.value)
    }

    @Test
    fun `nothing is lost with the connection`() = test {
        val portal = Portal()
        val conference = Conference()
        val states = conference.states().produceIn(this)
        val notifications = conference.notifications().produceIn(this)
        conference.login(portal.token())
        portal.control("freeze?all=true&direction=both&mode=discard")
        portal.texts(50)
        conference.networkChanged()
        val heard = notifications.next(50)
        assertEquals((1uL..50uL).toList(), heard.map { it.number })
        assertTrue(heard.all { it.replayed })
        assertEquals(listOf("JOINING", "READY", "RESUMING", "READY"), states.next(4).map { it.name })
        conference.close()
    }

    @Test
    fun `every request has one outcome`() = test {
        val portal = Portal()
        val conference = Conference()
        assertEquals(ErrorCode.NOT_LOGGED_IN, code { conference.request("text", Text("early")) })
        conference.login(portal.token())
        conference.request("text", Text("hello"))
        val refused = code { conference.request("unpublish", mapOf("id" to "no-such-stream")) }
        assertEquals(ErrorCode.REQUEST_REJECTED, refused)
        portal.control("swallow-ack?request=text")
        val options = RequestOptions(timeout = Duration.ofMillis(200))
        assertEquals(ErrorCode.ACK_TIMEOUT, code { conference.request("text", Text("swallowed"), options) })
        conference.close()
    }

    @Test
    fun `cancelling a coroutine cancels its request`() = test {
        val portal = Portal()
        val conference = Conference()
        val states = conference.states().produceIn(this)
        val notifications = conference.notifications("text").produceIn(this)
        conference.login(portal.token())
        portal.control("refuse?on=true&how=reset")
        portal.control("cut?all=true&how=rst")
        states.until { it == ConferenceState.RESUMING }
        // It waits for the session, so it is never written.
        val request = launch(start = CoroutineStart.UNDISPATCHED) { conference.request("text", Text("given up")) }
        request.cancelAndJoin()
        portal.control("refuse?on=false")
        conference.request("text", Text("said"))
        assertEquals("said", notifications.receive().decode<Text>().message)
        conference.close()
    }

    @Test
    fun `cancelling a coroutine ends its wait for a login`() = test {
        val portal = Portal()
        val conference = Conference()
        val states = conference.states().produceIn(this)
        val token = portal.token()
        portal.control("refuse?on=true&how=reset")
        val login = async { conference.login(token) }
        states.receive()
        login.cancelAndJoin()
        portal.control("refuse?on=false")
        assertTrue(runCatching { login.await() }.exceptionOrNull() is CancellationException)
        conference.close()
    }

    @Test
    fun `a lost session is followed by another with a fresh token`() = test {
        val portal = Portal()
        val conference = Conference(tokens = { error -> portal.token(if (error == null) "carol" else "bob") })
        val events = conference.events().produceIn(this)
        conference.login(portal.token())
        val answer = conference.rejoin()
        assertEquals(listOf<String?>("carol"), conference.room.participants.map { it.user })
        events.until { it is ConferenceEvent.Rejoined && it.answer.args == answer.args }
        conference.close()
    }

    @Test
    fun `a source that throws refuses`() = test {
        val portal = Portal()
        val conference = Conference(tokens = { error("no token") })
        conference.login(portal.token())
        assertEquals(ErrorCode.CANCELLED, code { conference.rejoin() })
        assertEquals(ConferenceState.READY, conference.state.value)
        conference.close()
    }

    @Test
    fun `a session goes on in another conference`() = test {
        val portal = Portal()
        val before = Conference()
        val after = Conference()
        before.login(portal.token())
        val exported = before.export()
        before.shutdown()
        portal.texts(2)
        val notifications = after.notifications("text").produceIn(this)
        after.restore(exported)
        assertEquals(listOf(true, true), notifications.next(2).map { it.replayed })
        after.request("text", Text("still here"))
        assertEquals(ErrorCode.EXPORT_FOREIGN, code { Conference().restore("no export") })
        after.close()
    }

    @Test
    fun `errors say what helps`() = test {
        val conference = Conference()
        val error = runCatching { conference.login("no token") }.exceptionOrNull() as RoamioException
        assertEquals(ErrorCode.TOKEN_INVALID, error.code)
        assertEquals(Retry.LOGIN, error.retry)
        assertEquals(error.failure.message, error.message)
        val options = ConferenceOptions(resume = ReconnectOptions(jitter = 7.0))
        assertEquals(ErrorCode.INVALID_ARGUMENT, code { Conference(options) })
    }

    @Test
    fun `closing does not log out and settles requests`() = test {
        val portal = Portal()
        val conference = Conference()
        val events = conference.events()
        val notifications = conference.notifications("text").produceIn(this)
        conference.login(portal.token())
        portal.control("swallow-ack?request=text")
        val request = async { code { conference.request("text", Text("a")) } }
        notifications.receive()
        conference.use { assertEquals(ConferenceState.READY, it.state.value) }
        assertEquals(ErrorCode.CLOSED, request.await())
        assertEquals(1, portal.participants().size)
        assertTrue(events.toList().isNotEmpty())
        assertEquals(ConferenceState.ENDED, conference.state.value)
        assertEquals(ErrorCode.CLOSED, code { conference.request("text", Text("late")) })
        // Nothing comes of hints any more.
        conference.networkChanged()
    }

    @Test
    fun `a cancelled coroutine logs out`() = test {
        val portal = Portal()
        val conference = Conference()
        conference.login(portal.token())
        val leaving = launch(start = CoroutineStart.UNDISPATCHED) {
            cancel()
            conference.logout()
        }
        leaving.join()
        assertEquals(emptyList<String>(), portal.participants())
    }

    @Test
    fun `a conference that nobody has is closed`() = test {
        val portal = Portal()
        val states = loggedIn(portal)
        val all = async { states.toList() }
        while (all.isActive) {
            System.gc()
            yield()
        }
        assertTrue(ConferenceState.READY in all.await())
    }

    private suspend fun loggedIn(portal: Portal): Flow<ConferenceState> {
        val conference = Conference()
        return conference.states().also { conference.login(portal.token()) }
    }

    @Test
    fun `an observer below that throws is logged by name only`() = test {
        val portal = Portal()
        val lines = CopyOnWriteArrayList<String>()
        RoamioLog.send(LogLevel.ERROR) { _, _, text -> lines += text }
        val core = ConferenceCore(
            observer = object : ConferenceObserver {
                override fun onEvent(event: ConferenceEvent) = error("what must not be seen")
            }
        )
        try {
            core.login(portal.token())
            core.request("text", jsonOf(Text("still here")))
            core.logout()
            core.shutdown()
        } finally {
            RoamioLog.off()
        }
        val own = lines.filter { "observer" in it }
        assertTrue(own.isNotEmpty())
        assertTrue(own.all { it.endsWith("threw java.lang.IllegalStateException") }) { own.toString() }
    }
}
