"""Python values as JSON text with attachments, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from . import _bridge

#: What travels: JSON, and bytes anywhere in it.
Json = Union[
    None, bool, int, float, str, bytes, bytearray, memoryview, Sequence["Json"], Mapping[str, "Json"]
]


def encode(args: Iterable[Json]) -> tuple[str, list[bytes]]:
    """The JSON array of `args`, bytes replaced by placeholders, and those bytes.

    Raises TypeError and ValueError for what JSON cannot hold, NaN for example.
    """
    attachments: list[bytes] = []

    def place(value: object) -> dict[str, object]:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"{type(value).__name__} is neither JSON nor bytes")
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}

    return to_json(list(args), place), attachments


def to_json(value: object, default: Any = None) -> str:
    """JSON text without needless blanks."""
    return json.dumps(value, default=default, separators=(",", ":"), allow_nan=False)


def decode(payload: _bridge.Payload) -> tuple[Any, ...]:
    """The arguments, bytes where they belong."""
    hook = None
    if attachments := payload.attachments:

        def hook(value: dict[str, Any]) -> Any:
            return attachments[value["num"]] if value.get("_placeholder") is True else value

    return tuple(json.loads(text, object_hook=hook) for text in payload.args)


def first(payload: _bridge.Payload) -> Any:
    """The first argument, None if there is none."""
    args = decode(payload)
    return args[0] if args else None
