"""Servers for the tests: the embedded portal, and a Socket.IO server of python-socketio.

The environment names them: ROAMIO_PORTAL, the portal's program; ROAMIO_SERVER, the server's script.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from portal import Portal
from server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server(os.environ["ROAMIO_SERVER"]) as server:
        yield server


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal(os.environ["ROAMIO_PORTAL"]) as portal:
        yield portal


@pytest.fixture
async def complaints() -> asyncio.Queue[Any]:
    """What is told to the loop's exception handler."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.put_nowait(context))
    return told
