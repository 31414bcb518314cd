package io.roamio

/*
 * Requests as calls with types of their own. Each waits for the session, is cancelled with its coroutine and throws as
 * Conference.request.
 */

/**
 * Send media to the room. Gives what the publication is known by.
 *
 * @throws RoamioException also `INVALID_JSON` for an answer of another shape.
 */
suspend fun Conference.publish(publish: Publish, options: RequestOptions = RequestOptions()): Started =
    lane.outcome { core.publish(publish, options) }

/** Stop a publication of one's own. */
suspend fun Conference.unpublish(id: String, options: RequestOptions = RequestOptions()): Payload =
    lane.outcome { core.unpublish(id, options) }

/**
 * Receive media from the room. Gives what the subscription is known by.
 *
 * @throws RoamioException also `INVALID_JSON` for an answer of another shape.
 */
suspend fun Conference.subscribe(subscribe: Subscribe, options: RequestOptions = RequestOptions()): Started =
    lane.outcome { core.subscribe(subscribe, options) }

/** Stop a subscription of one's own. */
suspend fun Conference.unsubscribe(id: String, options: RequestOptions = RequestOptions()): Payload =
    lane.outcome { core.unsubscribe(id, options) }

/** Do something with a stream of one's own. Gives the region where it was asked for. */
suspend fun Conference.streamControl(
    id: String,
    operation: StreamOperation,
    options: RequestOptions = RequestOptions(),
): String? = lane.outcome { core.streamControl(id, operation, options) }

/** Do something with a subscription of one's own. */
suspend fun Conference.subscriptionControl(
    id: String,
    operation: SubscriptionOperation,
    options: RequestOptions = RequestOptions(),
): Payload = lane.outcome { core.subscriptionControl(id, operation, options) }

/**
 * Negotiate for the transport of a publication or subscription. The portal's part comes as
 * [PortalNotification.Progress].
 */
suspend fun Conference.soac(
    transportId: String,
    signaling: Signaling,
    options: RequestOptions = RequestOptions(),
): Payload = lane.outcome { core.soac(transportId, signaling, options) }

/** Say something, any JSON, to a participant, or to `all`, oneself included. */
suspend fun Conference.text(
    message: Json,
    to: String = "all",
    options: RequestOptions = RequestOptions(),
): Payload = lane.outcome { core.text(to, message, options) }

/** Ask a portal that speaks the legacy protocol. */
suspend fun Conference.legacy(request: LegacyRequest, options: RequestOptions = RequestOptions()): Payload =
    lane.outcome { core.legacy(request, options) }

/**
 * It as a value, the same for all protocol versions. Null for one that is not known or has an unexpected shape: then
 * [ConferenceNotification.payload] is all that there is to say about it.
 */
val ConferenceNotification.typed: PortalNotification? get() = payload.notification()
