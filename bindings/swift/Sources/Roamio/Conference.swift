import Foundation

/// A conference session, from one login to its end. It survives changes of the network. A new session is
/// a new conference with a new token.
///
/// Calls may be made on any thread, none blocks. Cancelling a task that awaits a request cancels the
/// request. A conference that nobody has any more is closed, without a logout.
public final class Conference: Hinted {
    let lane = Lane()
    private let delivery: Delivery<ConferenceEvent>
    let core: ConferenceCore

    /// A conference. No traffic before `login`. `tokens` is asked for a fresh token where the session
    /// cannot be resumed; without it such a session ends.
    ///
    /// Throws `RoamioError`: `invalidArgument` naming the option that is out of range, or for a
    /// certificate that cannot be used; `unsupported`.
    public init(_ options: ConferenceOptions = ConferenceOptions(), tokens: TokenSource? = nil) throws {
        delivery = Delivery(lane) { event in
            if case .state(_, .ended, _, _) = event { true } else { false }
        }
        core = try ConferenceCore(
            options: options, observer: delivery, tokens: tokens.map(TokenAsker.init))
    }

    deinit {
        delivery.finish()
    }

    /// What the conference was last said to be.
    public var state: ConferenceState { core.state() }

    /// What has been done so far: connections, bytes, resumes and so on.
    public func stats() -> Stats { core.stats() }

    /// The room as the portal has described it so far; empty before the login.
    public var room: Room { core.room() }

    /// All that happens from now on. A stream ends with the conference, after its last event; cancelling
    /// the task that reads it, or forgetting it, ends it too. Nothing is dropped: with 1,000 events that
    /// a stream has not fetched, no more are read from the network.
    public func events() -> AsyncStream<ConferenceEvent> {
        delivery.stream { $0 }
    }

    /// The portal's notifications from now on: all, or those of a name.
    public func notifications(_ name: String? = nil) -> AsyncStream<ConferenceNotification> {
        delivery.stream { event in
            guard case .notification(let payload, let replayed, let number) = event,
                name == nil || payload.name == name
            else { return nil }
            return ConferenceNotification(payload: payload, replayed: replayed, number: number)
        }
    }

    /// The states from now on.
    public func states() -> AsyncStream<ConferenceState> {
        delivery.stream { event in
            if case .state(_, let state, _, _) = event { state } else { nil }
        }
    }

    /// Log in with a token from your server, which is used at most once. Gives the portal's answer, an
    /// object with `id`, `user`, `role`, `permission`, `room`. Cancelling does not undo the login.
    ///
    /// Throws `RoamioError`: `tokenInvalid` for a token that cannot be decoded or asks for plain text
    /// that is not allowed, `invalidState` when this conference was used before, `loginRejected`,
    /// `loginUnknown`, `cancelled` by a logout, `closed`, or why the portal could not be reached.
    @discardableResult
    public func login(_ token: String) async throws -> Payload {
        try await lane.outcome { try await core.login(token: token) }
    }

    /// Leave the conference. Also a cancelled task carries it out.
    ///
    /// Throws `RoamioError`: `leftUnconfirmed` when the portal has not confirmed it: the participant may
    /// stay visible for a while; `notLoggedIn`, `closed`.
    public func logout() async throws {
        try await lane.outcome { try await core.logout() }
    }

    /// Ask the portal, and give its answer. While the session is not ready it waits for it. `data` is an
    /// object; with the legacy protocol, the array of the arguments.
    ///
    /// Throws `CancellationError` when its task is cancelled: if it was not written yet it never is;
    /// `EncodingError`; `RoamioError`: `notLoggedIn`, `reservedEvent`, `tooLarge`, `queueFull`, `closed`,
    /// `requestRejected`, `ackTimeout` or `ackLost` (the portal may have acted), `notSent`, `dropped`.
    @discardableResult
    public func request(
        _ name: String, _ data: some Encodable, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        let json = try json(data)
        return try await lane.outcome {
            try await core.request(name: name, dataJson: json, options: options)
        }
    }

    /// Leave the session and log in anew, with a token from `tokens`: for example because a gap has made
    /// the room unknown. Gives the portal's answer, as `login`. Cancelling does not undo it.
    ///
    /// Throws as `login`; `invalidState` without `tokens`; and when they throw or do not come in time
    /// (`timedOut`): then the old session goes on.
    @discardableResult
    public func rejoin() async throws -> Payload {
        try await lane.outcome { try await core.rejoin() }
    }

    /// Everything that is needed to resume this session in another process, as text, for `restore`. It is
    /// a secret: whoever has it takes over the session. A notification counts as handled once the streams
    /// have it, so read them to where they wait before the process ends.
    ///
    /// Throws `RoamioError`: `notLoggedIn` unless there is a session that can be resumed, `closed`.
    public func export() throws -> String {
        try core.exportSession()
    }

    /// In place of a login: resume the session that was exported. What was missed is replayed. Gives an
    /// answer without arguments, or that of a login where the session was replaced with a fresh token.
    /// Cancelling does not undo it.
    ///
    /// Throws `RoamioError`: `exportForeign`, `exportNewer`, `exportDamaged` for a text that cannot be
    /// used, `invalidArgument` for one of another protocol, `invalidState` when this conference was used
    /// before, or why the session has ended.
    @discardableResult
    public func restore(_ exported: String) async throws -> Payload {
        try await lane.outcome { try await core.restore(exported: exported) }
    }

    /// Close without a logout: the participant stays visible for minutes. Pending requests end `closed`,
    /// streams end.
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

/// A notification of the portal.
public struct ConferenceNotification: Sendable, Hashable {
    /// Its name, and its data as the first argument.
    public let payload: Payload
    /// It was missed and came with the replay.
    public let replayed: Bool
    /// Its position among the notifications since login, from 1.
    public let number: UInt64

    /// Its name.
    public var name: String { payload.name }

    /// Its data.
    ///
    /// Throws `DecodingError`.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try payload.decode(type)
    }
}

extension Delivery: ConferenceObserver where Event == ConferenceEvent {
    func onEvent(event: ConferenceEvent) { post(event) }
}
