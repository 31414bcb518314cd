"""Sockets by URL that share connections."""

from __future__ import annotations

from . import _bridge
from .delivery import Lane
from .providers import AuthFunction
from .socket import Socket


class Registry:
    """Finds or makes the manager that a URL needs, so that the sockets of one server share a
    connection. To be made inside of a running loop."""

    def __init__(self) -> None:
        self._inner = _bridge.Registry()  # type: ignore[no-untyped-call]
        self._lane = Lane()

    def socket(
        self,
        url: str,
        options: _bridge.ManagerOptions | None = None,
        socket_options: _bridge.SocketOptions | None = None,
        *,
        auth: AuthFunction | None = None,
        multiplex: bool = True,
    ) -> Socket:
        """A socket for a URL: https if it has no scheme, and its path is the namespace.

        It shares the connection to its scheme, host, port and HTTP path, unless that has a socket on
        this namespace already or `multiplex` is off. Options of a connection that exists stay as they
        are. `auth` is asked for the payload before every attempt to join.
        """
        options = options or _bridge.ManagerOptions()
        socket_options = socket_options or _bridge.SocketOptions()
        return Socket(
            lambda observer, provider: self._inner.socket(
                url, options, socket_options, observer, provider, multiplex
            ),
            self._lane,
            auth,
        )
