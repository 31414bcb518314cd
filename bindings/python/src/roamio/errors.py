"""Errors: a code to act on, and what helps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from . import _bridge


class RoamioError(Exception):
    """Something went wrong; its class says in which layer.

    Act on `code` and `retry`. The message is for developers and never to be parsed.
    """

    def __init__(self, failure: _bridge.Failure) -> None:
        super().__init__(failure.message)
        self._failure = failure

    @property
    def code(self) -> _bridge.ErrorCode:
        """What happened."""
        return self._failure.code

    @property
    def layer(self) -> _bridge.ErrorLayer:
        """The layer that it comes from."""
        return self._failure.layer

    @property
    def retry(self) -> _bridge.Retry:
        """What helps."""
        return self._failure.retry

    @property
    def message(self) -> str:
        """One line for developers."""
        return self._failure.message

    @property
    def http_status(self) -> int | None:
        """The HTTP status of a refused handshake."""
        return self._failure.http_status

    @property
    def close_code(self) -> int | None:
        """The code of the WebSocket close frame."""
        return self._failure.close_code

    @property
    def engine_code(self) -> int | None:
        """The code in the body of a refused Engine.IO request."""
        return self._failure.engine_code

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server asks to wait."""
        return self._failure.retry_after

    @property
    def certificate(self) -> _bridge.CertificateProblem | None:
        """What is wrong with the server's certificate, where the TLS library tells it."""
        return self._failure.certificate

    @property
    def server(self) -> Any:
        """What the server said: the payload of a refused namespace, or a portal's text."""
        text = self._failure.server_json
        return None if text is None else json.loads(text)

    @property
    def resent(self) -> bool:
        """The request was sent twice."""
        return self._failure.resent

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._failure,)


class CallError(RoamioError):
    """The call itself: an argument, the state, a limit; or it was cancelled."""


class TransportError(RoamioError):
    """DNS, TCP, TLS, HTTP or WebSocket."""


class EngineError(RoamioError):
    """Engine.IO."""


class SocketError(RoamioError):
    """Socket.IO: a refusal, an ack that did not come."""


class ConferenceError(RoamioError):
    """The conference portal."""


_CLASSES: dict[_bridge.ErrorLayer, type[RoamioError]] = {
    _bridge.ErrorLayer.CALL: CallError,
    _bridge.ErrorLayer.TRANSPORT: TransportError,
    _bridge.ErrorLayer.ENGINE: EngineError,
    _bridge.ErrorLayer.SOCKET: SocketError,
    _bridge.ErrorLayer.CONFERENCE: ConferenceError,
}


def error(failure: _bridge.Failure) -> RoamioError:
    """The exception of its layer."""
    return _CLASSES[failure.layer](failure)


def maybe_error(failure: _bridge.Failure | None) -> RoamioError | None:
    """The exception of its layer, if there is a failure."""
    return None if failure is None else error(failure)


def closed() -> RoamioError:
    """The object is closed."""
    code, layer, never = _bridge.ErrorCode.CLOSED, _bridge.ErrorLayer.CALL, _bridge.Retry.NEVER
    return error(
        _bridge.Failure(
            code=code,
            layer=layer,
            retry=never,
            message="the object is closed",
            http_status=None,
            close_code=None,
            engine_code=None,
            retry_after=None,
            certificate=None,
            server_json=None,
            resent=False,
        )
    )


@contextmanager
def raising() -> Iterator[None]:
    """Raise this module's exceptions for those of the library."""
    try:
        yield
    except _bridge.RoamioError as raised:
        failure: _bridge.Failure = raised.failure  # type: ignore[attr-defined]
        raise error(failure) from None
