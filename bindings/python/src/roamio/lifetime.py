"""The end of the interpreter: nothing of Python may be called after it."""

from __future__ import annotations

import atexit
import os
import weakref
from datetime import timedelta
from typing import Any, Protocol

from . import _bridge


class _Finishing(Protocol):
    def finish(self) -> None: ...


_alive: weakref.WeakSet[Any] = weakref.WeakSet()

#: How long observers that are running may take at the end.
_PATIENCE = timedelta(seconds=1)


def track(object: _Finishing) -> None:
    """Finish `object` before the interpreter ends."""
    _alive.add(object)


def _end() -> None:
    for object in list(_alive):
        object.finish()
    try:
        _bridge.shutdown(_PATIENCE)
    except _bridge.RoamioError:
        # An observer of the program hangs: it is stopped with the interpreter.
        pass


atexit.register(_end)
# A forked child has none of the library's threads, so nothing has to end there.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: atexit.unregister(_end))
