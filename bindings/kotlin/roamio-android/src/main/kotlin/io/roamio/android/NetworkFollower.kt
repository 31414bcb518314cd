package io.roamio.android

import io.roamio.Hinted

/** What a change of the system's network is worth. */
internal enum class NetworkHint {
    AVAILABLE,
    LOST,
    CHANGED;

    fun passOn(target: Hinted) = when (this) {
        AVAILABLE -> target.networkAvailable()
        LOST -> target.networkLost()
        CHANGED -> target.networkChanged()
    }
}

/**
 * Makes hints of what the system says about its default network, one thing after the other. For one thread.
 *
 * @param hasNetwork there is one, whatever it is: it is not named yet.
 */
internal class NetworkFollower<N : Any>(hasNetwork: Boolean) {
    private var usable: N? = null
    private var addresses = emptySet<String>()
    private var isLost = !hasNetwork

    /** This is the default network now. */
    fun available(network: N): NetworkHint? {
        val former = usable
        val wasLost = isLost
        isLost = false
        if (former != network) addresses = emptySet()
        usable = network
        return when {
            former != null && former != network -> NetworkHint.CHANGED
            wasLost -> NetworkHint.AVAILABLE
            else -> null
        }
    }

    /** The device has these addresses in a network. A further one changes nothing for connections. */
    fun addresses(network: N, now: Set<String>): NetworkHint? {
        if (network != usable || isLost) return null
        val gone = addresses - now
        addresses = now
        return if (gone.isEmpty()) null else NetworkHint.CHANGED
    }

    /** This is the default network no more, and none has taken its place. */
    fun lost(network: N): NetworkHint? {
        if (network != usable || isLost) return null
        isLost = true
        return NetworkHint.LOST
    }
}
