import Foundation

/// A connection to one Socket.IO server, shared by its sockets. It is made when the first of them
/// connects, and made again whenever it is lost.
///
/// Calls may be made on any thread, none blocks. A manager that nobody has any more is closed; the
/// connection goes on while there are sockets.
public final class Manager: Hinted {
    private let lane = Lane()
    private let delivery: Delivery<ManagerEvent>
    private let core: ManagerCore

    /// A manager for the server of a URL (`https`, `wss`, `http`, `ws`), whose path says nothing here.
    /// No traffic before a socket connects.
    ///
    /// Throws `RoamioError`: `invalidUrl`; `invalidArgument` naming the option that is out of range, or
    /// for a certificate that cannot be used; `unsupported`.
    public convenience init(_ url: String, _ options: ManagerOptions = ManagerOptions()) throws {
        try self.init(url, options, nil)
    }

    /// A manager that asks `target` before every attempt to connect.
    ///
    /// Throws as the other initializer.
    public convenience init(
        _ options: ManagerOptions = ManagerOptions(), target: @escaping TargetSource
    ) throws {
        try self.init("", options, TargetAsker(target))
    }

    private init(_ url: String, _ options: ManagerOptions, _ target: TargetAsker?) throws {
        delivery = Delivery(lane) { event in
            if case .state(_, .closed, _) = event { true } else { false }
        }
        core = try ManagerCore(url: url, options: options, observer: delivery, target: target)
    }

    deinit {
        delivery.finish()
    }

    /// A socket on a namespace. `auth` is asked for the payload before every attempt to join.
    ///
    /// Throws `RoamioError`: `invalidArgument` for a name that is no namespace or an option out of range,
    /// `invalidState` while another socket of this manager uses the namespace, `closed`.
    public func socket(
        _ namespace: String = "/", _ options: SocketOptions = SocketOptions(), auth: AuthSource? = nil
    ) throws -> Socket {
        try Socket(lane) { observer in
            try core.socket(
                namespace: namespace, options: options, observer: observer,
                auth: auth.map(AuthAsker.init))
        }
    }

    /// Whether a socket uses a namespace.
    public func uses(_ namespace: String) -> Bool { core.uses(namespace: namespace) }

    /// What the manager was last said to be.
    public var state: ManagerState { core.state() }

    /// What the manager and its sockets have done so far: connections, bytes and so on.
    public func stats() -> Stats { core.stats() }

    /// All that happens to the connection from now on, as `Conference.events`.
    public func events() -> AsyncStream<ManagerEvent> {
        delivery.stream { $0 }
    }

    /// The states from now on.
    public func states() -> AsyncStream<ManagerState> {
        delivery.stream { event in
            if case .state(_, let state, _) = event { state } else { nil }
        }
    }

    /// Send other headers from the next attempt on.
    ///
    /// Throws `RoamioError`: `invalidArgument`, `closed`.
    public func setHeaders(_ headers: [String: String]) throws {
        try core.setHeaders(headers: headers)
    }

    /// Reconnect in another way, from the next wait on.
    ///
    /// Throws `RoamioError`: `invalidArgument`, `closed`.
    public func setReconnect(_ options: ReconnectOptions) throws {
        try core.setReconnect(options: options)
    }

    /// Close this manager; its streams end. The connection goes on while there are sockets.
    public func close() async {
        delivery.finish()
        await core.shutdown()
    }

    public func networkAvailable() { try? core.networkAvailable() }
    public func networkLost() { try? core.networkLost() }
    public func networkChanged() { try? core.networkChanged() }
    public func suspended() { try? core.suspended() }
    public func resumed() { try? core.resumed() }
}

extension Delivery: ManagerObserver where Event == ManagerEvent {
    func onEvent(event: ManagerEvent) { post(event) }
}
