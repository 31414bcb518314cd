package io.roamio.android

import io.roamio.android.NetworkHint.AVAILABLE
import io.roamio.android.NetworkHint.CHANGED
import io.roamio.android.NetworkHint.LOST
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class NetworkFollowerTest {
    private val follower = NetworkFollower<String>(hasNetwork = true)

    @Test
    fun `only changes of the network are hints`() {
        assertNull(follower.available("wifi"))
        assertNull(follower.available("wifi"))
        assertEquals(CHANGED, follower.available("cell"))
        assertNull("another network's end", follower.lost("wifi"))
        assertEquals(LOST, follower.lost("cell"))
        assertNull(follower.lost("cell"))
        assertEquals(AVAILABLE, follower.available("cell"))
        assertEquals(LOST, follower.lost("cell"))
        assertEquals(CHANGED, follower.available("wifi"))
    }

    @Test
    fun `an address that is gone is a change`() {
        follower.available("wifi")
        assertNull(follower.addresses("wifi", setOf("a")))
        assertNull(follower.addresses("wifi", setOf("a", "b")))
        assertNull("another network's", follower.addresses("cell", setOf("c")))
        assertEquals(CHANGED, follower.addresses("wifi", setOf("b")))
        assertEquals(CHANGED, follower.available("cell"))
        assertNull(follower.addresses("cell", setOf("c")))
    }

    @Test
    fun `a device that starts without network has lost it`() {
        val offline = NetworkFollower<String>(hasNetwork = false)
        assertEquals(AVAILABLE, offline.available("wifi"))
    }
}
