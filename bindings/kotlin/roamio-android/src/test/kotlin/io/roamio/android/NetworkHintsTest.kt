package io.roamio.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.LinkAddress
import android.net.LinkProperties
import android.net.Network
import java.net.InetAddress
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowNetwork
import org.robolectric.util.ReflectionHelpers
import org.robolectric.util.ReflectionHelpers.ClassParameter

@RunWith(RobolectricTestRunner::class)
class NetworkHintsTest {
    private val context: Context = RuntimeEnvironment.getApplication()
    private val connectivity = checkNotNull(context.getSystemService(ConnectivityManager::class.java))
    private val target = Recorder()
    private val wifi: Network = ShadowNetwork.newInstance(1)
    private val cell: Network = ShadowNetwork.newInstance(2)

    private val callbacks get() = shadowOf(connectivity).networkCallbacks

    private fun tell(say: ConnectivityManager.NetworkCallback.() -> Unit) = callbacks.toList().forEach(say)

    private fun addresses(vararg texts: String) = LinkProperties().apply {
        for (text in texts) {
            val address = ReflectionHelpers.callConstructor(
                LinkAddress::class.java,
                ClassParameter.from(InetAddress::class.java, InetAddress.getByName(text)),
                ClassParameter.from(Int::class.javaPrimitiveType, 24),
            )
            ReflectionHelpers.callInstanceMethod<Boolean>(
                this, "addLinkAddress", ClassParameter.from(LinkAddress::class.java, address)
            )
        }
    }

    @Before
    fun `nobody listens yet`() = assertEquals(0, callbacks.size)

    @Test
    fun `a walk from one network to another`() {
        val hints = NetworkHints(context, target)
        tell { onAvailable(wifi) }
        tell { onLinkPropertiesChanged(wifi, addresses("10.0.0.2")) }
        assertEquals(emptyList<String>(), target.take())
        tell { onAvailable(cell) }
        tell { onLinkPropertiesChanged(cell, addresses("10.64.0.9", "2001:db8::1")) }
        assertEquals(listOf("changed"), target.take())
        tell { onLinkPropertiesChanged(cell, addresses("10.64.0.9")) }
        assertEquals(listOf("changed"), target.take())
        tell { onLost(cell) }
        tell { onAvailable(cell) }
        assertEquals(listOf("lost", "available"), target.take())
        hints.close()
        hints.close()
        assertEquals(0, callbacks.size)
    }

    @Test
    fun `a device without network has lost it`() {
        shadowOf(connectivity).setActiveNetworkInfo(null)
        NetworkHints(context, target).use {
            assertEquals(listOf("lost"), target.take())
            tell { onAvailable(wifi) }
            assertEquals(listOf("available"), target.take())
        }
    }
}
