"""What a program tells about its network and itself."""

from __future__ import annotations

from typing import Any

from .errors import raising


class Hints:
    """Hints of an object with a library object in `_inner`. They are harmless when wrong."""

    _inner: Any

    def network_available(self) -> None:
        """A network is there (again): do not wait for the next attempt."""
        with raising():
            self._inner.network_available()

    def network_lost(self) -> None:
        """There is no network: attempts become rare, the connection is kept."""
        with raising():
            self._inner.network_lost()

    def network_changed(self) -> None:
        """The device moved to another network: go there now."""
        with raising():
            self._inner.network_changed()

    def suspended(self) -> None:
        """The program is about to sleep: no timer, nothing sent until `resumed` or any call."""
        with raising():
            self._inner.suspended()

    def resumed(self) -> None:
        """The program runs again: find out at once whether the connection has survived."""
        with raising():
            self._inner.resumed()
