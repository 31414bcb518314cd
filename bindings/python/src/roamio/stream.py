"""Events to iterate over."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

E = TypeVar("E")


class EventStream(Generic[E]):
    """The events of an object from the moment this was made, in order: `async for event in stream`.

    It ends when the object does, after its last event. For one task at a time. `close` it, or forget
    it, to hear no more.
    """

    def __init__(self, owner: object, moved: Callable[[], None]) -> None:
        self._owner: Any = owner  # which lives as long as somebody listens
        self._moved = moved
        self._events: deque[E] = deque()
        self._changed = asyncio.Event()
        self._over = False

    def __aiter__(self) -> EventStream[E]:
        return self

    async def __anext__(self) -> E:
        while not self._events:
            if self._over:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        event = self._events.popleft()
        self._moved()
        return event

    def __enter__(self) -> EventStream[E]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """The events that wait to be fetched."""
        return len(self._events)

    def close(self) -> None:
        """Hear no more, not even what waits to be fetched."""
        self._events.clear()
        self._end()
        self._moved()

    def _push(self, event: E) -> None:
        if not self._over:
            self._events.append(event)
            self._changed.set()

    def _end(self) -> None:
        self._over = True
        self._changed.set()
