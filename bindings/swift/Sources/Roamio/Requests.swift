/// Requests as calls with types of their own. Each waits for the session, is cancelled with its task and
/// throws as `Conference.request`.
extension Conference {
    /// Send media to the room. Gives what the publication is known by.
    ///
    /// Throws also `invalidJson` for an answer of another shape.
    public func publish(
        _ publish: Publish, options: RequestOptions = RequestOptions()
    ) async throws -> Started {
        try await lane.outcome { try await core.publish(publish: publish, options: options) }
    }

    /// Stop a publication of one's own.
    @discardableResult
    public func unpublish(
        _ id: String, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome { try await core.unpublish(id: id, options: options) }
    }

    /// Receive media from the room. Gives what the subscription is known by.
    ///
    /// Throws also `invalidJson` for an answer of another shape.
    public func subscribe(
        _ subscribe: Subscribe, options: RequestOptions = RequestOptions()
    ) async throws -> Started {
        try await lane.outcome { try await core.subscribe(subscribe: subscribe, options: options) }
    }

    /// Stop a subscription of one's own.
    @discardableResult
    public func unsubscribe(
        _ id: String, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome { try await core.unsubscribe(id: id, options: options) }
    }

    /// Do something with a stream of one's own. Gives the region where it was asked for.
    @discardableResult
    public func streamControl(
        _ id: String, _ operation: StreamOperation, options: RequestOptions = RequestOptions()
    ) async throws -> String? {
        try await lane.outcome {
            try await core.streamControl(id: id, operation: operation, options: options)
        }
    }

    /// Do something with a subscription of one's own.
    @discardableResult
    public func subscriptionControl(
        _ id: String, _ operation: SubscriptionOperation, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome {
            try await core.subscriptionControl(id: id, operation: operation, options: options)
        }
    }

    /// Negotiate for the transport of a publication or subscription. The portal's part comes as
    /// `PortalNotification.progress`.
    @discardableResult
    public func soac(
        _ transportId: String, _ signaling: Signaling, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome {
            try await core.soac(transportId: transportId, signaling: signaling, options: options)
        }
    }

    /// Say something to a participant, or to `all`, oneself included.
    @discardableResult
    public func text(
        _ message: Json, to receiver: String = "all", options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome {
            try await core.text(to: receiver, message: message, options: options)
        }
    }

    /// Ask a portal that speaks the legacy protocol.
    @discardableResult
    public func legacy(
        _ request: LegacyRequest, options: RequestOptions = RequestOptions()
    ) async throws -> Payload {
        try await lane.outcome { try await core.legacy(request: request, options: options) }
    }
}

extension ConferenceNotification {
    /// It as a value, the same for all protocol versions. None for one that is not known or has an
    /// unexpected shape: then `payload` is all that there is to say about it.
    public var typed: PortalNotification? { payload.notification() }
}
