"""The way of events from the library's threads to handlers and streams in a loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, Union

from . import lifetime
from .events import Converters, Event, Notification
from .stream import EventStream

E = TypeVar("E")
Handler = Callable[..., Any]
Selector = Union[str, type, None]

#: Events on their way in Python. With so many the library's own queue fills, and then it stops
#: reading from the network.
LIMIT = 1_000


class Lane:
    """What the objects of one connection share, as they share one thread of the library.

    While that thread waits for slow consumers, the outcome of a request cannot pass it. So it never
    waits while somebody awaits one.
    """

    def __init__(self) -> None:
        self.room = threading.Condition()
        self.expecting = 0

    @contextmanager
    def outcome(self) -> Iterator[None]:
        """Held while an outcome is awaited."""
        with self.room:
            self.expecting += 1
            self.room.notify_all()
        try:
            yield
        finally:
            with self.room:
                self.expecting -= 1


class Delivery(Generic[E]):
    """Brings the events of one object into its loop, one at a time and in order."""

    def __init__(self, lane: Lane, converters: Converters, is_last: Callable[[E], bool]) -> None:
        self.lane = lane
        self.loop = asyncio.get_running_loop()
        self._converters = converters
        self._is_last = is_last
        self._crossing = 0
        self._finished = False
        self._streams: weakref.WeakSet[EventStream[E]] = weakref.WeakSet()
        self._handlers: list[tuple[Selector, Handler]] = []
        self._unhandled: deque[E] = deque()
        self._worker: asyncio.Task[None] | None = None
        lifetime.track(self)

    # -- On a thread of the library --

    def post(self, raw: object) -> None:
        """Take an event; waits while too many are on their way."""
        with self.lane.room:
            self.lane.room.wait_for(self._has_room)
            self._crossing += 1
        try:
            self.loop.call_soon_threadsafe(self._arrive, raw)
        except RuntimeError:  # the loop is closed, so nobody listens any more
            self.finish()

    def _has_room(self) -> bool:
        if self._finished or self.lane.expecting:
            return True
        unfetched = max(map(len, self._streams), default=0)
        return self._crossing + len(self._unhandled) + unfetched < LIMIT

    # -- In the loop --

    def _arrive(self, raw: Any) -> None:
        try:
            event: E = self._converters[type(raw)](raw)
        except Exception as error:
            self._report("an event that cannot be decoded", error)
        else:
            for stream in list(self._streams):
                stream._push(event)
            if self._handlers:
                self._unhandled.append(event)
                if self._worker is None:
                    self._worker = self.loop.create_task(self._work())
            if self._is_last(event):
                self.finish()
        with self.lane.room:
            self._crossing -= 1
        self._moved()

    def _moved(self) -> None:
        with self.lane.room:
            self.lane.room.notify_all()

    async def _work(self) -> None:
        """Run handlers until nothing is left."""
        try:
            while self._unhandled:
                event = self._unhandled.popleft()
                self._moved()
                for selector, handler in list(self._handlers):
                    await self._handle(selector, handler, event)
        finally:
            self._worker = None

    async def settled(self) -> None:
        """Wait until the handlers of what was posted before have run."""
        if self._worker is not None and asyncio.current_task() is self._worker:
            raise RuntimeError("a handler cannot wait for handlers")
        # What crosses arrives in the order of this, which therefore comes last.
        arrived: asyncio.Future[None] = self.loop.create_future()
        self.loop.call_soon_threadsafe(arrived.set_result, None)
        await arrived
        if self._worker is not None:
            await asyncio.shield(self._worker)

    async def _handle(self, selector: Selector, handler: Handler, event: E) -> None:
        args: tuple[Any, ...] = (event,)
        if isinstance(selector, str):
            if not isinstance(event, (Event, Notification)) or event.name != selector:
                return
            args = event.args
        elif selector is not None and not isinstance(event, selector):
            return
        try:
            result = handler(*args)
            if inspect.isawaitable(result):
                result = await result
            if isinstance(selector, str) and isinstance(event, Event):
                event.ack(*_answer(result))
        except Exception as error:
            self._report("a handler failed", error)

    def _report(self, what: str, error: Exception) -> None:
        """As asyncio does with what nobody awaits. The session goes on."""
        context = {"message": f"roamio: {what}", "exception": error}
        self.loop.call_exception_handler(context)

    def on(self, selector: Selector, handler: Handler) -> None:
        """Call `handler` for events of a name, of a class, or for all."""
        self._handlers.append((selector, handler))

    def off(self, handler: Handler) -> None:
        """Call `handler` no more."""
        self._handlers = [entry for entry in self._handlers if entry[1] is not handler]

    def stream(self, owner: object) -> EventStream[E]:
        """The events from now on."""
        stream: EventStream[E] = EventStream(owner, self._moved)
        with self.lane.room:
            if self._finished:
                stream._end()
            self._streams.add(stream)
        weakref.finalize(stream, self._moved).atexit = False
        return stream

    # -- Anywhere --

    def finish(self) -> None:
        """There are no more events: streams end, and nobody waits for room."""
        with self.lane.room:
            self._finished = True
            streams = list(self._streams)
            self.lane.room.notify_all()

        def end() -> None:
            for stream in streams:
                stream._end()

        try:
            self.loop.call_soon_threadsafe(end)
        except RuntimeError:  # the loop is closed
            pass


def _answer(result: Any) -> tuple[Any, ...]:
    """What a handler returns as the arguments of an ack."""
    if result is None:
        return ()
    return result if isinstance(result, tuple) else (result,)


class Posting:
    """An observer that posts, as long as somebody has the object that it observes."""

    def __init__(self, delivery: Delivery[Any]) -> None:
        self._delivery = weakref.ref(delivery)

    def on_event(self, event: Any) -> None:
        """On a thread of the library."""
        delivery = self._delivery()
        if delivery is not None:
            delivery.post(event)
