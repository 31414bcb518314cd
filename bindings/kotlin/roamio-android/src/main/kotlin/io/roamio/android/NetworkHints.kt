package io.roamio.android

import android.content.Context
import android.net.ConnectivityManager
import android.net.LinkProperties
import android.net.Network
import io.roamio.Hinted
import java.lang.ref.WeakReference

/**
 * Passes on what the system knows about the network, until it is closed. The app needs the permission
 * `ACCESS_NETWORK_STATE`, which this library asks for.
 *
 * @param context any.
 * @param target a conference or a manager, which this does not keep.
 */
class NetworkHints(context: Context, target: Hinted) : AutoCloseable {
    private val connectivity = checkNotNull(context.getSystemService(ConnectivityManager::class.java))
    private val callback: Callback

    init {
        val hasNetwork = connectivity.activeNetwork != null
        callback = Callback(WeakReference(target), NetworkFollower(hasNetwork))
        if (!hasNetwork) target.networkLost()
        connectivity.registerDefaultNetworkCallback(callback)
    }

    /** Pass on no more. */
    @Synchronized
    override fun close() {
        if (callback.isOpen) connectivity.unregisterNetworkCallback(callback)
        callback.isOpen = false
    }

    private class Callback(
        private val target: WeakReference<Hinted>,
        private val follower: NetworkFollower<Network>,
    ) : ConnectivityManager.NetworkCallback() {
        @Volatile
        var isOpen = true

        override fun onAvailable(network: Network) = pass(follower.available(network))

        override fun onLost(network: Network) = pass(follower.lost(network))

        override fun onLinkPropertiesChanged(network: Network, properties: LinkProperties) =
            pass(follower.addresses(network, properties.linkAddresses.map { it.toString() }.toSet()))

        private fun pass(hint: NetworkHint?) {
            if (isOpen) target.get()?.let { hint?.passOn(it) }
        }
    }
}
