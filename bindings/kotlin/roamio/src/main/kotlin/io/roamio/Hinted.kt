package io.roamio

/**
 * What an application knows about its network and itself, for a [Conference] or a [Manager]. Wrong hints are
 * harmless, none blocks, and after the end nothing comes of them.
 */
interface Hinted {
    /** A network is there (again): do not wait for the next attempt. */
    fun networkAvailable()

    /** There is no network: attempts become rare, the connection is kept. */
    fun networkLost()

    /** The device moved to another network: go there now. */
    fun networkChanged()

    /** The application is about to be suspended: no timer, nothing sent until [resumed] or another call. */
    fun suspended()

    /** The application runs again: find out at once whether the connection has survived. */
    fun resumed()
}

/** Pass a hint on; an object that is closed has no use for it. */
internal inline fun hint(pass: () -> Unit) {
    try {
        pass()
    } catch (_: RoamioException) {
        return
    }
}
