package io.roamio

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.mapNotNull
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.launch
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Requests and notifications as values. */
internal class RequestTest {
    @Test
    fun `media are negotiated with values`() = test {
        val portal = Portal()
        val conference = Conference()
        val login = conference.login(portal.token()).login()
        assertEquals(listOf(login.id), login.room.participants.map { it.id })
        val told = conference.notifications().mapNotNull { it.typed }.produceIn(this)
        val track = PublishTrack(MediaKind.VIDEO, "0", MediaSource.CAMERA)
        val attributes = mapOf("n" to """[1,"é"]""")
        val published = conference.publish(Publish(PublishMedia.Tracks(listOf(track)), attributes = attributes))
        val offer = Signaling(kind = "offer", sdp = "v=0")
        conference.soac(published.transportId, offer)
        val step = told.until { it is PortalNotification.Progress && it.signaling != null }
        assertEquals("answer", (step as PortalNotification.Progress).signaling?.kind)
        val added = (told.until { it is PortalNotification.StreamAdded } as PortalNotification.StreamAdded).stream
        assertEquals(published.id, added.id)
        assertEquals(login.id, added.owner)
        assertEquals(attributes, added.info?.attributes)

        val received = SubscribeTrack(MediaKind.VIDEO, "0", from = published.id)
        val subscribed = conference.subscribe(Subscribe(SubscribeMedia.Tracks(listOf(received))))
        conference.soac(subscribed.transportId, offer)
        conference.subscriptionControl(subscribed.id, SubscriptionOperation.Pause(MediaKinds.VIDEO))
        conference.unsubscribe(subscribed.id)
        assertNull(conference.streamControl(published.id, StreamOperation.Pause(MediaKinds.VIDEO)))
        val update = told.until { it is PortalNotification.StreamUpdated } as PortalNotification.StreamUpdated
        assertEquals("video.status", update.update.field)
        assertEquals("\"inactive\"", update.update.value)
        conference.unpublish(published.id)
        conference.close()
    }

    @Serializable
    private data class Message(val deep: List<String>, val n: Double)

    @Test
    fun `texts are any JSON`() = test {
        val portal = Portal()
        val conference = Conference()
        val told = conference.notifications("text").mapNotNull { it.typed }.produceIn(this)
        conference.login(portal.token())
        val message = Message(listOf("é", "\"\n"), 0.5)
        conference.text(jsonOf(message))
        val text = (told.receive() as PortalNotification.Text).text
        assertEquals(message, text.message?.let { fromJson<Message>(it) })
        assertEquals(ErrorCode.REQUEST_REJECTED, code { conference.unpublish("no-such-stream") })
        assertEquals(ErrorCode.INVALID_JSON, code { conference.text("no JSON") })
        conference.close()
    }

    @Test
    fun `what is not known is told as it is`() = test {
        val portal = Portal()
        val conference = Conference()
        val notifications = conference.notifications().produceIn(this)
        val login = conference.login(portal.token()).login()
        portal.control("notify?participant=${login.id}&event=news", """{"n":1}""")
        val news = notifications.receive()
        assertNull(news.typed)
        assertEquals(listOf("""{"n":1}"""), news.payload.args)
        conference.close()
    }

    @Test
    fun `cancelling a coroutine cancels a request with values`() = test {
        val portal = Portal()
        val conference = Conference()
        val notifications = conference.notifications("text").produceIn(this)
        conference.login(portal.token())
        portal.control("swallow-ack?request=text")
        val request = launch(start = CoroutineStart.UNDISPATCHED) { conference.text("\"given up\"") }
        notifications.receive()
        request.cancelAndJoin()
        assertTrue(request.isCancelled)
        conference.close()
    }
}
