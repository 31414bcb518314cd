package io.roamio

/**
 * Finds or makes the manager that a URL needs, so that the sockets of one server share a connection. There is no
 * registry but those that a program makes.
 */
class Registry {
    private val core = RegistryCore()
    private val lane = Lane()

    /**
     * A socket for a [url]: https if it has no scheme, and its path is the namespace. No traffic before it connects.
     * It shares the connection to its scheme, host, port and HTTP path, unless that has a socket on this namespace
     * already or [multiplex] is off. Options of a connection that exists stay as they are. [auth] is asked for the
     * payload before every attempt to join.
     *
     * @throws RoamioException `INVALID_URL`, and what the constructor of [Manager] and [Manager.socket] throw.
     */
    fun socket(
        url: String,
        options: ManagerOptions = ManagerOptions(),
        socketOptions: SocketOptions = SocketOptions(),
        auth: AuthSource? = null,
        multiplex: Boolean = true,
    ): Socket = Socket(lane, auth) { observer, provider ->
        core.socket(url, options, socketOptions, observer, provider, multiplex)
    }
}
