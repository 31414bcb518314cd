"""A socket by its URL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from . import _bridge
from .manager import Manager
from .socket import Socket


@asynccontextmanager
async def connect(
    url: str,
    auth: dict[str, Any] | None = None,
    *,
    options: _bridge.ManagerOptions | None = None,
    socket_options: _bridge.SocketOptions | None = None,
) -> AsyncIterator[Socket]:
    """A joined socket on a connection of its own; the path of the URL is the namespace.

    Joining is tried again as long as it makes sense; what ends it is raised.
    """
    async with Manager(url, options) as manager:
        async with manager.socket(urlsplit(url).path or "/", socket_options) as socket:
            socket.connect(auth)
            await socket.connected()
            yield socket
