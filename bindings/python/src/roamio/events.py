"""What the objects tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from . import _bridge
from .codec import Json, decode, first
from .errors import RoamioError, error, maybe_error


@dataclass(frozen=True, slots=True)
class ManagerStateChanged:
    """The state of a manager changed. Steps are numbered from 1 without a hole."""

    number: int
    state: _bridge.ManagerState
    #: Why, where it was not asked for.
    cause: RoamioError | None


@dataclass(frozen=True, slots=True)
class SocketStateChanged:
    """The state of a socket changed. Steps are numbered from 1 without a hole."""

    number: int
    state: _bridge.SocketState
    #: Why, where it was not asked for.
    cause: RoamioError | None
    #: The server's id of this socket; set when it is connected.
    socket_sid: str | None
    #: Why a joined namespace was left.
    reason: _bridge.DisconnectReason | None
    #: The server has recovered the state of the former connection, and sends what was missed.
    recovered: bool


@dataclass(frozen=True, slots=True)
class ConferenceStateChanged:
    """The state of a conference changed. Steps are numbered from 1 without a hole."""

    number: int
    state: _bridge.ConferenceState
    #: Why, where it was not asked for.
    cause: RoamioError | None
    #: For how long the session can still be resumed: an estimate.
    grace: timedelta | None


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt to connect failed."""

    #: Failed attempts in a row.
    attempt: int
    error: RoamioError
    #: The wait before the next attempt; None: there is none.
    delay: timedelta | None
    #: For how long the session can still be resumed: an estimate.
    grace: timedelta | None = None


@dataclass(frozen=True, slots=True)
class HostSlow:
    """This program does not keep up; reading has stopped until it does. Nothing is dropped."""


@dataclass(frozen=True, slots=True)
class TransportChanged:
    """The connection is carried by this transport from now on."""

    transport: _bridge.Transport
    upgraded: bool


@dataclass(frozen=True, slots=True)
class UpgradeFailed:
    """The upgrade to WebSocket failed; the connection goes on with polling."""

    error: RoamioError


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """The server refused the namespace, or joining failed."""

    error: RoamioError
    #: The socket tries again by itself.
    active: bool


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the server."""

    name: str
    args: tuple[Any, ...]
    _answer: Callable[..., None] | None = field(default=None, repr=False, compare=False)

    @property
    def wants_ack(self) -> bool:
        """The server waits for an answer."""
        return self._answer is not None

    def ack(self, *args: Json) -> None:
        """Answer. Only the first answer is sent, and only on the connection of the event."""
        if self._answer is not None:
            self._answer(*args)


@dataclass(frozen=True, slots=True)
class Sent:
    """An event was written; only told after `Socket.watch_sent`."""

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """An event without ack is never sent, or with retries: never confirmed."""

    name: str
    args: tuple[Any, ...]
    error: RoamioError


@dataclass(frozen=True, slots=True)
class Resumed:
    """The session goes on after a loss; what was missed follows."""

    #: Nothing can have been lost.
    complete: bool
    #: How many missed notifications follow.
    replayed: int


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A login in place of the session has succeeded: another participant, another room, and
    notifications are numbered anew."""

    #: The portal's answer, as `Conference.login` gives it.
    answer: Any


@dataclass(frozen=True, slots=True)
class TokenWanted:
    """A fresh token is wanted; the function `tokens` of the conference is asked next."""

    #: Why the session is lost; None: it lives, and goes on without a token.
    error: RoamioError | None


@dataclass(frozen=True, slots=True)
class Migrated:
    """The session moved between two living connections."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Notifications are lost for good: those with the numbers `first` to `last`."""

    first: int
    last: int
    #: The portal's numbers prove it; otherwise they are the best guess, or 0.
    certain: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification of the portal."""

    name: str
    data: Any
    #: It was missed and came with the replay.
    replayed: bool
    #: Its position among the notifications since login, from 1.
    number: int
    _payload: _bridge.Payload = field(repr=False, compare=False)

    @property
    def typed(self) -> _bridge.PortalNotification | None:
        """It as a value, the same for all protocol versions. None for one that is not known or has an
        unexpected shape: then `data` is all that there is to say about it."""
        return self._payload.notification()

    @property
    def args(self) -> tuple[Any, ...]:
        """What handlers for its name are called with."""
        return (self.data,)


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """The portal said something that makes no sense; the session goes on."""

    error: RoamioError


@dataclass(frozen=True, slots=True)
class Resumable:
    """Whether the session can be resumed: told after login."""

    resumable: bool


def _state(kind: type[Any], *names: str) -> Callable[[Any], Any]:
    """Converts a state event, whose class has these further members."""

    def convert(event: Any) -> Any:
        rest = {name: getattr(event, name) for name in names}
        return kind(
            number=event.number, state=event.state, cause=maybe_error(event.cause), **rest
        )

    return convert


def _notification(event: Any) -> Notification:
    payload = event.payload
    return Notification(payload.name, first(payload), event.replayed, event.number, payload)


Converters = dict[type[Any], Callable[[Any], Any]]

MANAGER: Converters = {
    _bridge.ManagerEvent.STATE: _state(ManagerStateChanged),
    _bridge.ManagerEvent.RETRY: lambda e: Retrying(e.attempt, error(e.error), e.delay),
    _bridge.ManagerEvent.HOST_SLOW: lambda _: HostSlow(),
    _bridge.ManagerEvent.TRANSPORT: lambda e: TransportChanged(e.transport, e.upgraded),
    _bridge.ManagerEvent.UPGRADE_FAILED: lambda e: UpgradeFailed(error(e.error)),
}

SOCKET: Converters = {
    _bridge.SocketEvent.STATE: _state(SocketStateChanged, "socket_sid", "reason", "recovered"),
    _bridge.SocketEvent.CONNECT_ERROR: lambda e: ConnectFailed(error(e.error), e.active),
    _bridge.SocketEvent.SENT: lambda e: Sent(e.payload.name, decode(e.payload)),
    _bridge.SocketEvent.DROPPED: lambda e: Dropped(
        e.payload.name, decode(e.payload), error(e.error)
    ),
}

CONFERENCE: Converters = {
    _bridge.ConferenceEvent.STATE: _state(ConferenceStateChanged, "grace"),
    _bridge.ConferenceEvent.RETRY: lambda e: Retrying(e.attempt, error(e.error), e.delay, e.grace),
    _bridge.ConferenceEvent.RESUMED: lambda e: Resumed(e.complete, e.replayed),
    _bridge.ConferenceEvent.REJOINED: lambda e: Rejoined(first(e.answer)),
    _bridge.ConferenceEvent.TOKEN_WANTED: lambda e: TokenWanted(maybe_error(e.error)),
    _bridge.ConferenceEvent.MIGRATED: lambda _: Migrated(),
    _bridge.ConferenceEvent.GAP: lambda e: Gap(e._from, e.to, e.certain),
    _bridge.ConferenceEvent.NOTIFICATION: _notification,
    _bridge.ConferenceEvent.PROTOCOL_ERROR: lambda e: ProtocolError(error(e.error)),
    _bridge.ConferenceEvent.RESUMABLE: lambda e: Resumable(e.resumable),
    _bridge.ConferenceEvent.HOST_SLOW: lambda _: HostSlow(),
}
