"""One session at a portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Union

from . import _bridge
from .codec import Json, first, to_json
from .delivery import Delivery, Lane, Posting
from .errors import RoamioError, raising
from .events import (
    CONFERENCE,
    ConferenceStateChanged,
    Gap,
    HostSlow,
    Migrated,
    Notification,
    ProtocolError,
    Rejoined,
    Resumable,
    Resumed,
    Retrying,
    TokenWanted,
)
from .hints import Hints
from .providers import TokenFunction, TokenFunctionProvider
from .requests import Asking, Requests
from .stream import EventStream

if TYPE_CHECKING:
    from typing_extensions import Unpack

ConferenceEvent = Union[
    ConferenceStateChanged,
    Retrying,
    Resumed,
    Rejoined,
    TokenWanted,
    Migrated,
    Gap,
    Notification,
    ProtocolError,
    Resumable,
    HostSlow,
]
F = TypeVar("F", bound=Callable[..., Any])


class _Observer(Posting, _bridge.ConferenceObserver):
    pass


def _is_last(event: ConferenceEvent) -> bool:
    ended = _bridge.ConferenceState.ENDED
    return isinstance(event, ConferenceStateChanged) and event.state == ended


class Conference(Hints, Requests):
    """A conference session, from one login to its end. It survives changes of the network.

    To be made inside of a running loop. `async with` logs out at its end. A new session is a new
    conference with a new token.
    """

    _inner: _bridge.Conference

    def __init__(
        self,
        options: _bridge.ConferenceOptions | None = None,
        *,
        tokens: TokenFunction | None = None,
    ) -> None:
        """`tokens` is asked for a fresh token where the session cannot be resumed; without it such a
        session ends."""
        self._delivery: Delivery[ConferenceEvent] = Delivery(Lane(), CONFERENCE, _is_last)
        options = options or _bridge.ConferenceOptions()
        provider = None if tokens is None else TokenFunctionProvider(tokens)
        with raising():
            self._inner = _bridge.Conference(options, _Observer(self._delivery), provider)

    @property
    def state(self) -> _bridge.ConferenceState:
        """What the conference was last said to be."""
        return self._inner.state()

    def stats(self) -> _bridge.Stats:
        """What has been done so far: connections, bytes, resumes and so on."""
        return self._inner.stats()

    def room(self) -> _bridge.Room:
        """The room as the portal has described it so far; empty before the login."""
        return self._inner.room()

    def events(self) -> EventStream[ConferenceEvent]:
        """All that happens from now on."""
        return self._delivery.stream(self)

    def on(self, selector: str | type | None = None) -> Callable[[F], F]:
        """Decorate a function, asynchronous or not, that is called for notifications of a name with
        their data, for events of a class with the event, or for every event.

        Handlers run one at a time and in order; one that waits holds up the next. What they raise
        goes to the loop's exception handler, and the session goes on.
        """

        def decorate(handler: F) -> F:
            self._delivery.on(selector, handler)
            return handler

        return decorate

    def off(self, handler: Callable[..., Any]) -> None:
        """Call a handler no more."""
        self._delivery.off(handler)

    async def login(self, token: str) -> Any:
        """Log in with a token from your server, which is used at most once.

        Gives the portal's answer, a dict with `id`, `user`, `role`, `permission`, `room`. Cancelling
        does not undo the login.
        """
        with raising(), self._delivery.lane.outcome():
            return first(await self._inner.login(token))

    async def logout(self) -> None:
        """Leave the conference; LEFT_UNCONFIRMED when the portal has not confirmed it."""
        with raising(), self._delivery.lane.outcome():
            await self._inner.logout()

    async def request(self, name: str, data: Json, **how: Unpack[Asking]) -> Any:
        """Ask the portal, and give its answer. While the session is not ready it waits for it, or
        fails with NOT_SENT if `fail_offline` says so. One that is `idempotent` is sent once more
        after a resume when its answer was lost; no other is ever sent twice.

        `timeout` is in seconds and counts from the call. Cancelling cancels the request: if it was
        not written yet it never is. ACK_TIMEOUT and ACK_LOST mean that the portal may have acted.
        """
        return first(await self._ask(self._inner.request, name, to_json(data), **how))

    async def rejoin(self) -> Any:
        """Leave the session and log in anew, with a token that `tokens` gives. Gives the portal's
        answer, as `login`. Cancelling does not undo it.
        """
        with raising(), self._delivery.lane.outcome():
            return first(await self._inner.rejoin())

    async def export(self) -> str:
        """Everything that is needed to resume this session in another process, for `restore`.

        Waits until the handlers of all notifications that it counts as handled have run; so it must
        not be awaited in a handler. What is handled later comes again after a restore. The text is a
        secret: whoever has it takes over the session.
        """
        with raising():
            exported = self._inner.export_session()
        await self._delivery.settled()
        return exported

    async def restore(self, exported: str) -> None:
        """In place of a login: resume the session that was exported. What was missed is replayed.

        EXPORT_FOREIGN, EXPORT_NEWER and EXPORT_DAMAGED mean that the text cannot be used. Cancelling
        does not undo it.
        """
        with raising(), self._delivery.lane.outcome():
            await self._inner.restore(exported)

    async def close(self) -> None:
        """Close without a logout: the participant stays visible for minutes.

        Waits until no handler is called any more, unless one is running: then it ends by itself.
        """
        self._delivery.finish()
        await self._inner.shutdown()

    async def __aenter__(self) -> Conference:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.logout()
        except RoamioError:
            # There was no session, or the portal cannot be reached: there is nothing left to do.
            pass
        finally:
            await self.close()

