"""Requests of a conference as calls with types of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from . import _bridge
from .codec import first
from .delivery import Delivery
from .errors import raising

if TYPE_CHECKING:
    from typing_extensions import Unpack

A = TypeVar("A")


class Asking(TypedDict, total=False):
    """How a request is made."""

    #: Seconds from the call.
    timeout: float | None
    #: Fail (NOT_SENT) instead of waiting while the session is not ready.
    fail_offline: bool
    #: It may be sent once more after a resume.
    idempotent: bool


class Requests:
    """The requests of a conference. Each waits for the session, is cancelled with its task and raises
    as `Conference.request`."""

    _inner: _bridge.Conference
    _delivery: Delivery[Any]

    async def _ask(self, call: Callable[..., Awaitable[A]], *args: Any, **how: Unpack[Asking]) -> A:
        """Make a request, and wait for its outcome."""
        timeout = how.get("timeout")
        options = _bridge.RequestOptions(
            timeout=None if timeout is None else timedelta(seconds=timeout),
            fail_offline=how.get("fail_offline", False),
            idempotent=how.get("idempotent", False),
        )
        with raising(), self._delivery.lane.outcome():
            return await call(*args, options)

    async def publish(
        self, publish: _bridge.Publish, **how: Unpack[Asking]
    ) -> _bridge.Started:
        """Send media to the room. Gives what the publication is known by."""
        return await self._ask(self._inner.publish, publish, **how)

    async def unpublish(self, id: str, **how: Unpack[Asking]) -> None:
        """Stop a publication of one's own."""
        await self._ask(self._inner.unpublish, id, **how)

    async def subscribe(
        self, subscribe: _bridge.Subscribe, **how: Unpack[Asking]
    ) -> _bridge.Started:
        """Receive media from the room. Gives what the subscription is known by."""
        return await self._ask(self._inner.subscribe, subscribe, **how)

    async def unsubscribe(self, id: str, **how: Unpack[Asking]) -> None:
        """Stop a subscription of one's own."""
        await self._ask(self._inner.unsubscribe, id, **how)

    async def stream_control(
        self, id: str, operation: _bridge.StreamOperation, **how: Unpack[Asking]
    ) -> str | None:
        """Do something with a stream of one's own. Gives the region where it was asked for."""
        return await self._ask(self._inner.stream_control, id, operation, **how)

    async def subscription_control(
        self, id: str, operation: _bridge.SubscriptionOperation, **how: Unpack[Asking]
    ) -> None:
        """Do something with a subscription of one's own."""
        await self._ask(self._inner.subscription_control, id, operation, **how)

    async def soac(
        self, transport_id: str, signaling: _bridge.Signaling, **how: Unpack[Asking]
    ) -> None:
        """Negotiate for the transport of a publication or subscription. The portal's part comes as
        `PortalNotification.PROGRESS`."""
        await self._ask(self._inner.soac, transport_id, signaling, **how)

    async def text(self, message: Any, to: str = "all", **how: Unpack[Asking]) -> None:
        """Say something to a participant, or to `all`, oneself included."""
        await self._ask(self._inner.text, to, message, **how)

    async def legacy(self, request: _bridge.LegacyRequest, **how: Unpack[Asking]) -> Any:
        """Ask a portal that speaks the legacy protocol, and give its answer."""
        return first(await self._ask(self._inner.legacy, request, **how))
