"""Functions of the program that the library asks before it connects."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Union

from . import _bridge
from .codec import to_json
from .errors import RoamioError, maybe_error

#: Gives the auth payload; is told why joining failed the last time. May be asynchronous.
AuthFunction = Callable[
    [Union[RoamioError, None]], Union[dict[str, Any], None, Awaitable[Union[dict[str, Any], None]]]
]
#: Gives the server; is told the failed attempts in a row and why the last one failed. May be
#: asynchronous.
TargetFunction = Callable[
    [int, Union[RoamioError, None]], Union[_bridge.Target, str, Awaitable[Union[_bridge.Target, str]]]
]
#: Gives a token that was never used; is told why the session is lost, or None if it lives. May be
#: asynchronous.
TokenFunction = Callable[[Union[RoamioError, None]], Union[str, Awaitable[str]]]


class _Asking:
    """Runs a function in a loop and passes its answer on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def _ask(self, request: Any, args: tuple[Any, ...], answer: Callable[[Any], None]) -> None:
        def start() -> None:
            task = self._loop.create_task(self._run(request, args, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        # A closed loop raises, which refuses the question.
        self._loop.call_soon_threadsafe(start)

    async def _run(self, request: Any, args: tuple[Any, ...], answer: Callable[[Any], None]) -> None:
        try:
            result = self._function(*args)
            if inspect.isawaitable(result):
                result = await result
            answer(result)
        except Exception as error:
            context = {"message": "roamio: a provider failed", "exception": error}
            self._loop.call_exception_handler(context)
            request.refuse(f"the provider raised {type(error).__name__}")


class AuthFunctionProvider(_Asking, _bridge.AuthProvider):
    """Asks an `AuthFunction`."""

    def auth_wanted(self, request: _bridge.AuthRequest) -> None:
        def answer(auth: dict[str, Any] | None) -> None:
            request.answer(None if auth is None else to_json(auth))

        self._ask(request, (maybe_error(request.error()),), answer)


class TargetFunctionProvider(_Asking, _bridge.TargetProvider):
    """Asks a `TargetFunction`."""

    def target_wanted(self, request: _bridge.TargetRequest) -> None:
        def answer(target: _bridge.Target | str) -> None:
            request.answer(_bridge.Target(url=target) if isinstance(target, str) else target)

        self._ask(request, (request.attempt(), maybe_error(request.error())), answer)


class TokenFunctionProvider(_Asking, _bridge.TokenProvider):
    """Asks a `TokenFunction`."""

    def token_wanted(self, request: _bridge.TokenRequest) -> None:
        self._ask(request, (maybe_error(request.error()),), request.answer)
