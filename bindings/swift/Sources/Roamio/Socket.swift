import Foundation

/// A namespace of a manager, made by `Manager.socket` or `Registry.socket`. Events emitted while it is not
/// connected wait for the connection, in order and bounded.
///
/// Calls may be made on any thread, none blocks. A socket that nobody has any more is closed.
public final class Socket: Sendable {
    private let lane: Lane
    private let delivery: Delivery<SocketEvent>
    private let core: SocketCore

    init(_ lane: Lane, _ make: (SocketObserver) throws -> SocketCore) throws {
        self.lane = lane
        delivery = Delivery(lane) { event in
            if case .state(_, .closed, _, _, _, _) = event { true } else { false }
        }
        core = try make(delivery)
    }

    deinit {
        delivery.finish()
    }

    /// The namespace.
    public var namespace: String { core.namespace() }

    /// What the socket was last said to be.
    public var state: SocketState { core.state() }

    /// All that happens from now on, as `Conference.events`.
    public func events() -> AsyncStream<SocketEvent> {
        delivery.stream { $0 }
    }

    /// The server's events from now on: all, or those of a name.
    public func messages(_ name: String? = nil) -> AsyncStream<Message> {
        delivery.stream { [core] event in
            guard case .event(let payload, let ack) = event, name == nil || payload.name == name else {
                return nil
            }
            return Message(payload: payload, token: ack, socket: core)
        }
    }

    /// The states from now on.
    public func states() -> AsyncStream<SocketState> {
        delivery.stream { event in
            if case .state(_, let state, _, _, _, _) = event { state } else { nil }
        }
    }

    /// Join the namespace, now and after every reconnect, with `auth` as payload. Does not wait.
    ///
    /// Throws `EncodingError`; `RoamioError`: `invalidJson`, `tooLarge`, `closed`, `queueFull`.
    public func connect(auth: some Encodable) throws {
        try core.connect(authJson: json(auth))
    }

    /// Join the namespace, now and after every reconnect, without a payload or with one from the auth
    /// source. Does not wait.
    ///
    /// Throws `RoamioError`: `closed`, `queueFull`.
    public func connect() throws {
        try core.connect()
    }

    /// Leave the namespace. What was emitted before is sent before.
    ///
    /// Throws `RoamioError`: `closed`.
    public func disconnect() throws {
        try core.disconnect()
    }

    /// Emit an event. `Data` anywhere in its arguments travels as it is. Does not wait; the options say
    /// what becomes of it without a connection.
    ///
    /// Throws `EncodingError`; `RoamioError`: `reservedEvent`, `tooLarge`, `attachments`, `queueFull`,
    /// `closed`.
    public func emit(
        _ name: String, _ values: any Encodable..., options: EmitOptions = EmitOptions()
    ) throws {
        try emit(name, arguments: values, options: options)
    }

    /// Emit an event with these arguments, as the other `emit`.
    public func emit(
        _ name: String, arguments: [any Encodable], options: EmitOptions = EmitOptions()
    ) throws {
        let encoded = try Encoded(arguments)
        try core.emit(name: name, argsJson: encoded.json, options: encoded.options(options))
    }

    /// Emit an event and give what the server answers it with.
    ///
    /// Throws as `emit`; `CancellationError` when its task is cancelled: if it was not written yet it
    /// never is; `RoamioError`: `ackTimeout` or `ackLost` (the server may have acted), `notSent`.
    public func emitWithAck(
        _ name: String, _ values: any Encodable..., options: EmitOptions = EmitOptions()
    ) async throws -> Payload {
        try await emitWithAck(name, arguments: values, options: options)
    }

    /// Emit an event with these arguments, as the other `emitWithAck`.
    public func emitWithAck(
        _ name: String, arguments: [any Encodable], options: EmitOptions = EmitOptions()
    ) async throws -> Payload {
        let encoded = try Encoded(arguments)
        return try await lane.outcome {
            try await core.emitWithAck(
                name: name, argsJson: encoded.json, options: encoded.options(options))
        }
    }

    /// Whether every event is told as it is written (`sent`); no at first.
    ///
    /// Throws `RoamioError`: `closed`.
    public func watchSent(_ watch: Bool = true) throws {
        try core.watchSent(watch: watch)
    }

    /// Leave the namespace and close this socket; pending acks end `closed`, streams end.
    public func close() async {
        delivery.finish()
        await core.shutdown()
    }
}

/// An event of a server.
public struct Message: Sendable {
    /// Its name and arguments.
    public let payload: Payload
    fileprivate let token: UInt64?
    fileprivate let socket: SocketCore

    /// Its name.
    public var name: String { payload.name }

    /// The server waits for an answer.
    public var wantsAck: Bool { token != nil }

    /// An argument, the first unless told otherwise.
    ///
    /// Throws `DecodingError`.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, at index: Int = 0
    ) throws -> Value {
        try payload.decode(type, at: index)
    }

    /// Answer, if the server waits for it. Only the first answer is sent, and only on the connection that
    /// the event came from.
    ///
    /// Throws `EncodingError`; `RoamioError`: `tooLarge`, `attachments`, `queueFull`, `closed`.
    public func ack(_ values: any Encodable...) throws {
        try ack(arguments: values)
    }

    /// Answer with these arguments, as the other `ack`.
    public func ack(arguments: [any Encodable]) throws {
        guard let token else { return }
        let encoded = try Encoded(arguments)
        try socket.ack(ack: token, argsJson: encoded.json, attachments: encoded.attachments)
    }
}

extension Encoded {
    fileprivate func options(_ options: EmitOptions) -> EmitOptions {
        var options = options
        options.attachments = attachments
        return options
    }
}

extension Delivery: SocketObserver where Event == SocketEvent {
    func onEvent(event: SocketEvent) { post(event) }
}
