"""One namespace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, Union

from . import _bridge
from .codec import Json, decode, encode, to_json
from .delivery import Delivery, Lane, Posting
from .errors import closed, raising
from .events import SOCKET, ConnectFailed, Dropped, Event, Sent, SocketStateChanged
from .providers import AuthFunction, AuthFunctionProvider
from .stream import EventStream

SocketEvent = Union[SocketStateChanged, ConnectFailed, Event, Sent, Dropped]
F = TypeVar("F", bound=Callable[..., Any])


class _Observer(Posting, _bridge.SocketObserver):
    pass


def _is_last(event: SocketEvent) -> bool:
    closed = _bridge.SocketState.CLOSED
    return isinstance(event, SocketStateChanged) and event.state == closed


class Socket:
    """A namespace of a manager, made by `Manager.socket`, `Registry.socket` or `roamio.connect`.

    Events emitted while it is not connected wait for the connection, in order and bounded.
    """

    def __init__(
        self,
        make: Callable[[_Observer, AuthFunctionProvider | None], _bridge.Socket],
        lane: Lane,
        auth: AuthFunction | None,
    ) -> None:
        converters = {**SOCKET, _bridge.SocketEvent.EVENT: self._event}
        self._delivery: Delivery[SocketEvent] = Delivery(lane, converters, _is_last)
        provider = None if auth is None else AuthFunctionProvider(auth)
        with raising():
            self._inner = make(_Observer(self._delivery), provider)

    def _event(self, raw: Any) -> Event:
        answer = None
        if (token := raw.ack) is not None:

            def answer(*args: Json) -> None:
                text, attachments = encode(args)
                with raising():
                    self._inner.ack(token, text, attachments)

        return Event(raw.payload.name, decode(raw.payload), answer)

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self._inner.namespace()

    @property
    def state(self) -> _bridge.SocketState:
        """What the socket was last said to be."""
        return self._inner.state()

    def events(self) -> EventStream[SocketEvent]:
        """All that happens from now on."""
        return self._delivery.stream(self)

    def on(self, selector: str | type | None = None) -> Callable[[F], F]:
        """Decorate a function, asynchronous or not, that is called for events of a name with their
        arguments, for events of a class with the event, or for every event.

        What a function for a name returns is the ack, if the server wants one: nothing, one value,
        or a tuple of several. Handlers run one at a time and in order; one that waits holds up the
        next. What they raise goes to the loop's exception handler, and the session goes on.
        """

        def decorate(handler: F) -> F:
            self._delivery.on(selector, handler)
            return handler

        return decorate

    def off(self, handler: Callable[..., Any]) -> None:
        """Call a handler no more."""
        self._delivery.off(handler)

    def connect(self, auth: dict[str, Any] | None = None) -> None:
        """Join the namespace, now and after every reconnect. Does not wait."""
        with raising():
            self._inner.connect(None if auth is None else to_json(auth))

    async def connected(self) -> None:
        """Wait until the namespace is joined; raises why it is not, once nothing tries any more."""
        with self.events() as events:
            if self.state == _bridge.SocketState.CONNECTED:
                return
            async for event in events:
                # A refusal is told before the step that it leads to, which is the last word.
                if isinstance(event, SocketStateChanged):
                    if event.state == _bridge.SocketState.CONNECTED:
                        return
                    if event.state == _bridge.SocketState.IDLE and event.cause:
                        raise event.cause
        raise closed()

    def disconnect(self) -> None:
        """Leave the namespace. What was emitted before is sent before."""
        with raising():
            self._inner.disconnect()

    def emit(
        self,
        name: str,
        *args: Json,
        offline: _bridge.OfflinePolicy | None = None,
        timeout: float | None = None,
    ) -> None:
        """Emit an event. Does not wait; `offline` says what becomes of it without a connection."""
        text, options = _emit_options(args, offline, timeout)
        with raising():
            self._inner.emit(name, text, options)

    async def emit_with_ack(
        self,
        name: str,
        *args: Json,
        offline: _bridge.OfflinePolicy | None = None,
        timeout: float | None = None,
    ) -> tuple[Any, ...]:
        """Emit an event and give the arguments that the server answers with.

        `timeout` is in seconds and counts from the call. Cancelling cancels it: if it was not
        written yet it never is. ACK_TIMEOUT and ACK_LOST mean that the server may have acted.
        """
        text, options = _emit_options(args, offline, timeout)
        with raising(), self._delivery.lane.outcome():
            return decode(await self._inner.emit_with_ack(name, text, options))

    def watch_sent(self, watch: bool = True) -> None:
        """Whether every event is told as it is written (`Sent`); no at first."""
        with raising():
            self._inner.watch_sent(watch)

    async def close(self) -> None:
        """Leave the namespace and close this socket; pending acks end CLOSED.

        Waits until no handler is called any more, unless one is running: then it ends by itself.
        """
        self._delivery.finish()
        await self._inner.shutdown()

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _emit_options(
    args: tuple[Json, ...], offline: _bridge.OfflinePolicy | None, timeout: float | None
) -> tuple[str, _bridge.EmitOptions]:
    text, attachments = encode(args)
    limit = None if timeout is None else timedelta(seconds=timeout)
    options = _bridge.EmitOptions(attachments=attachments, offline=offline, timeout=limit)
    return text, options
