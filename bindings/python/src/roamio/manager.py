"""One connection and its reconnection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, Union

from . import _bridge
from .delivery import Delivery, Lane, Posting
from .errors import raising
from .events import (
    MANAGER,
    HostSlow,
    ManagerStateChanged,
    Retrying,
    TransportChanged,
    UpgradeFailed,
)
from .hints import Hints
from .providers import AuthFunction, TargetFunction, TargetFunctionProvider
from .socket import Socket
from .stream import EventStream

ManagerEvent = Union[ManagerStateChanged, Retrying, HostSlow, TransportChanged, UpgradeFailed]
F = TypeVar("F", bound=Callable[..., Any])


class _Observer(Posting, _bridge.ManagerObserver):
    pass


def _is_last(event: ManagerEvent) -> bool:
    closed = _bridge.ManagerState.CLOSED
    return isinstance(event, ManagerStateChanged) and event.state == closed


class Manager(Hints):
    """A connection to one Socket.IO server, shared by its sockets.

    To be made inside of a running loop. The connection is made when the first socket connects.
    """

    _inner: _bridge.Manager

    def __init__(
        self,
        url: str = "",
        options: _bridge.ManagerOptions | None = None,
        *,
        target: TargetFunction | None = None,
    ) -> None:
        """`url` says which server; its path says nothing here. `target` is asked instead before
        every attempt to connect, and then the URL may be left out."""
        self._delivery: Delivery[ManagerEvent] = Delivery(Lane(), MANAGER, _is_last)
        provider = None if target is None else TargetFunctionProvider(target)
        with raising():
            self._inner = _bridge.Manager(
                url, options or _bridge.ManagerOptions(), _Observer(self._delivery), provider
            )

    def socket(
        self,
        namespace: str = "/",
        options: _bridge.SocketOptions | None = None,
        *,
        auth: AuthFunction | None = None,
    ) -> Socket:
        """A socket on a namespace. `auth` is asked for the payload before every attempt to join."""
        options = options or _bridge.SocketOptions()
        return Socket(
            lambda observer, provider: self._inner.socket(namespace, options, observer, provider),
            self._delivery.lane,
            auth,
        )

    def uses(self, namespace: str) -> bool:
        """Whether a socket uses a namespace."""
        return self._inner.uses(namespace)

    @property
    def state(self) -> _bridge.ManagerState:
        """What the manager was last said to be."""
        return self._inner.state()

    def stats(self) -> _bridge.Stats:
        """What the manager and its sockets have done so far: connections, bytes and so on."""
        return self._inner.stats()

    def events(self) -> EventStream[ManagerEvent]:
        """All that happens to the connection from now on."""
        return self._delivery.stream(self)

    def on(self, selector: type | None = None) -> Callable[[F], F]:
        """Decorate a function, asynchronous or not, that is called for events of a class, or for
        every event."""

        def decorate(handler: F) -> F:
            self._delivery.on(selector, handler)
            return handler

        return decorate

    def off(self, handler: Callable[..., Any]) -> None:
        """Call a handler no more."""
        self._delivery.off(handler)

    def set_headers(self, headers: dict[str, str]) -> None:
        """Send other headers from the next attempt on."""
        with raising():
            self._inner.set_headers(headers)

    def set_reconnect(self, options: _bridge.ReconnectOptions) -> None:
        """Reconnect in another way, from the next wait on."""
        with raising():
            self._inner.set_reconnect(options)

    async def close(self) -> None:
        """Close this manager. The connection goes on while there are sockets."""
        self._delivery.finish()
        await self._inner.shutdown()

    async def __aenter__(self) -> Manager:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
