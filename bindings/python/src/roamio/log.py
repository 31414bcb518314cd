"""The library's log lines for Python's logging."""

from __future__ import annotations

import logging

from . import _bridge

_LEVELS = {
    _bridge.LogLevel.ERROR: logging.ERROR,
    _bridge.LogLevel.WARN: logging.WARNING,
    _bridge.LogLevel.INFO: logging.INFO,
    _bridge.LogLevel.DEBUG: logging.DEBUG,
}


class _Sink(_bridge.LogSink):
    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def line(self, level: _bridge.LogLevel, target: str, text: str) -> None:
        self._logger.log(_LEVELS[level], "%s: %s", target, text)


def log_to(logger: logging.Logger | None) -> None:
    """Send the log lines of the library to a logger, up to the level that it has now; None: nowhere.

    Lines hold no token, ticket or payload. Handlers run on the library's threads and must be quick.
    """
    if logger is None:
        _bridge.set_log()
        return
    wanted = [level for level, number in _LEVELS.items() if logger.isEnabledFor(number)]
    most_detailed = max(wanted, key=lambda level: level.value, default=None)
    _bridge.set_log(most_detailed, _Sink(logger))
