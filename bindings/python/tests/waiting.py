"""Waiting for what must happen."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from roamio import ConferenceState, ConferenceStateChanged, EventStream

T = TypeVar("T")

#: Far more than anything here takes, on a busy machine too.
LIMIT = 30.0


async def within(awaitable: Awaitable[T]) -> T:
    """What must come in time."""
    return await asyncio.wait_for(awaitable, LIMIT)


async def event(stream: EventStream[Any], kind: type[T], **members: object) -> T:
    """The next event of a class with such members."""

    async def find() -> T:
        async for found in stream:
            if isinstance(found, kind):
                if all(getattr(found, name) == value for name, value in members.items()):
                    return found
        raise AssertionError(f"the stream ended without {kind.__name__} {members}")

    return await within(find())


async def state(stream: EventStream[Any], wanted: ConferenceState) -> ConferenceStateChanged:
    """The step to a state of a conference."""
    return await event(stream, ConferenceStateChanged, state=wanted)
