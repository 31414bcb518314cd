"""Python values as JSON with attachments."""

import json
import math

import pytest
from roamio import _bridge
from roamio.codec import decode, encode


def payload(text: str, attachments: list[bytes]) -> _bridge.Payload:
    args = [json.dumps(value) for value in json.loads(text)]
    return _bridge.Payload(name="", args=args, attachments=attachments, resent=False)


@pytest.mark.parametrize(
    "args",
    [
        (),
        (None, True, 1, -1.5, "é\u2028\U0001f600", [], {}),
        (b"", {"deep": [b"\x00\xff", b"x"]}, "between", b"y"),
        ({"_placeholder": False, "num": 7},),
        (2**60,),
    ],
)
def test_what_is_encoded_is_decoded(args: tuple[object, ...]) -> None:
    assert decode(payload(*encode(args))) == args  # type: ignore[arg-type]


def test_attachments_stand_where_their_bytes_were() -> None:
    text, attachments = encode(["a", bytearray(b"1"), memoryview(b"2")])
    assert json.loads(text)[1:] == [
        {"_placeholder": True, "num": 0},
        {"_placeholder": True, "num": 1},
    ]
    assert attachments == [b"1", b"2"]


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1j: 2}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode([value])  # type: ignore[list-item]
