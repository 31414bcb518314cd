"""What is said at an OWT portal, as values: what the requests of a `Conference` take and give, and
`Notification.typed`.

Versions of the protocol differ in how they describe media, and a class has what any of them has. Whatever
the portal says beside is in `more`. `PublishMedia` and its like are chosen from: `PublishMedia.tracks([...])`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from . import _bridge
from ._bridge import (
    ActiveInput,
    FromStream,
    IceCandidate,
    LayoutEntry,
    LegacyOutput,
    LegacyPlace,
    LegacyPublish,
    LegacySubscribe,
    Login,
    MediaFormat,
    MediaKind,
    MediaKinds,
    MediaProgress,
    MediaSource,
    MediaTransport,
    OriginalLayer,
    Permission,
    Permissions,
    PortalNotification,
    Publish,
    PublishAudio,
    PublishTrack,
    PublishVideo,
    Resolution,
    SelectedInput,
    Signaling,
    Started,
    StreamDetails,
    StreamMedia,
    StreamTrack,
    StreamUpdate,
    Subscribe,
    SubscribeAudio,
    SubscribeTrack,
    SubscribeVideo,
    TextMessage,
    VideoParameters,
    VideoUpdate,
)
from .codec import to_json

__all__ = [
    "ActiveInput",
    "Bitrate",
    "FromStream",
    "IceCandidate",
    "LayoutEntry",
    "LegacyOutput",
    "LegacyPlace",
    "LegacyPublish",
    "LegacyRequest",
    "LegacySubscribe",
    "Login",
    "MediaFormat",
    "MediaKind",
    "MediaKinds",
    "MediaProgress",
    "MediaSource",
    "MediaTransport",
    "OriginalLayer",
    "Permission",
    "Permissions",
    "PortalNotification",
    "Publish",
    "PublishAudio",
    "PublishMedia",
    "PublishTrack",
    "PublishVideo",
    "Resolution",
    "SelectedInput",
    "Signaling",
    "Started",
    "StreamDetails",
    "StreamMedia",
    "StreamOperation",
    "StreamTrack",
    "StreamUpdate",
    "Subscribe",
    "SubscribeAudio",
    "SubscribeMedia",
    "SubscribeTrack",
    "SubscribeVideo",
    "SubscriptionOperation",
    "TextMessage",
    "VideoParameters",
    "VideoUpdate",
    "read_login",
]

E = TypeVar("E")
P = ParamSpec("P")


def _choice(choices: type[E], choice: Callable[P, object]) -> Callable[P, E]:
    # The generated variants are subclasses, which their declaration does not say.
    return cast(Callable[P, E], choice)


class Bitrate:
    """A bandwidth: in kilobits a second, or as a multiple of the usual, such as `x0.8`."""

    kbps = _choice(_bridge.Bitrate, _bridge.Bitrate.KBPS)
    factor = _choice(_bridge.Bitrate, _bridge.Bitrate.FACTOR)


class PublishMedia:
    """The media of a publication: tracks in 1.2; one audio and one video, or None, in 1.0 and 1.1; none where
    only data are sent."""

    tracks = _choice(_bridge.PublishMedia, _bridge.PublishMedia.TRACKS)
    parts = _choice(_bridge.PublishMedia, _bridge.PublishMedia.PARTS)
    none = _choice(_bridge.PublishMedia, _bridge.PublishMedia.NONE)


class SubscribeMedia:
    """The media of a subscription, as those of a publication."""

    tracks = _choice(_bridge.SubscribeMedia, _bridge.SubscribeMedia.TRACKS)
    parts = _choice(_bridge.SubscribeMedia, _bridge.SubscribeMedia.PARTS)
    none = _choice(_bridge.SubscribeMedia, _bridge.SubscribeMedia.NONE)


class StreamOperation:
    """What can be done with a stream of one's own: show it in the mix of a label or not, ask where and say
    where it is shown there, send nothing of it and send it again."""

    mix = _choice(_bridge.StreamOperation, _bridge.StreamOperation.MIX)
    unmix = _choice(_bridge.StreamOperation, _bridge.StreamOperation.UNMIX)
    get_region = _choice(_bridge.StreamOperation, _bridge.StreamOperation.GET_REGION)
    set_region = _choice(_bridge.StreamOperation, _bridge.StreamOperation.SET_REGION)
    pause = _choice(_bridge.StreamOperation, _bridge.StreamOperation.PAUSE)
    play = _choice(_bridge.StreamOperation, _bridge.StreamOperation.PLAY)


class SubscriptionOperation:
    """What can be done with a subscription: receive another audio or video, nothing, and it again."""

    update = _choice(_bridge.SubscriptionOperation, _bridge.SubscriptionOperation.UPDATE)
    pause = _choice(_bridge.SubscriptionOperation, _bridge.SubscriptionOperation.PAUSE)
    play = _choice(_bridge.SubscriptionOperation, _bridge.SubscriptionOperation.PLAY)


class LegacyRequest:
    """What can be asked of a portal that speaks the legacy protocol. Publishing and subscribing are answered
    with the id of the stream; recording, outputs and `get_region` with what they have come to."""

    publish = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.PUBLISH)
    unpublish = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.UNPUBLISH)
    subscribe = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.SUBSCRIBE)
    unsubscribe = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.UNSUBSCRIBE)
    mix = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.MIX)
    unmix = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.UNMIX)
    signaling_message = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.SIGNALING_MESSAGE)
    add_external_output = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.ADD_EXTERNAL_OUTPUT)
    update_external_output = _choice(
        _bridge.LegacyRequest, _bridge.LegacyRequest.UPDATE_EXTERNAL_OUTPUT
    )
    remove_external_output = _choice(
        _bridge.LegacyRequest, _bridge.LegacyRequest.REMOVE_EXTERNAL_OUTPUT
    )
    start_recorder = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.START_RECORDER)
    stop_recorder = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.STOP_RECORDER)
    get_region = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.GET_REGION)
    set_region = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.SET_REGION)
    mute = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.MUTE)
    unmute = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.UNMUTE)
    say = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.SAY)
    control = _choice(_bridge.LegacyRequest, _bridge.LegacyRequest.CONTROL)


def read_login(answer: Any) -> Login:
    """The answer to a login, of any protocol version, as a value."""
    payload = _bridge.Payload(name="", args=[to_json(answer)], attachments=[], resent=False)
    return payload.login()
