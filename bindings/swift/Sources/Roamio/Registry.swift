/// Finds or makes the manager that a URL needs, so that the sockets of one server share a connection.
/// There is no registry but those that a program makes.
public final class Registry: Sendable {
    private let core = RegistryCore()
    private let lane = Lane()

    public init() {}

    /// A socket for a URL: https if it has no scheme, and its path is the namespace. No traffic before
    /// it connects. It shares the connection to its scheme, host, port and HTTP path, unless that has
    /// a socket on this namespace already or `multiplex` is off. Options of a connection that exists
    /// stay as they are. `auth` is asked for the payload before every attempt to join.
    ///
    /// Throws `RoamioError`: `invalidUrl`, and what `Manager.init` and `Manager.socket` throw.
    public func socket(
        _ url: String, _ options: ManagerOptions = ManagerOptions(),
        socketOptions: SocketOptions = SocketOptions(), auth: AuthSource? = nil, multiplex: Bool = true
    ) throws -> Socket {
        try Socket(lane) { observer in
            try core.socket(
                url: url, options: options, socketOptions: socketOptions, observer: observer,
                auth: auth.map(AuthAsker.init), multiplex: multiplex)
        }
    }
}
