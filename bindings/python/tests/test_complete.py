"""The package has what the library has."""

import inspect

import pytest
import roamio
from roamio import _bridge, owt

#: What is called something else, or is done by `close` or by an event.
OTHERWISE = {"export_session", "detach", "shutdown", "ack"}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", ["Conference", "Manager", "Registry", "Socket"])
def test_every_call_of_an_object_is_there(name: str) -> None:
    below = public(getattr(_bridge, name)) - OTHERWISE
    assert below <= public(getattr(roamio, name))


def test_everything_of_an_error_is_there() -> None:
    below = set(inspect.signature(_bridge.Failure).parameters) - {"server_json"} | {"server"}
    assert below <= public(roamio.RoamioError)


def test_every_choice_is_there() -> None:
    chosen = [
        "Bitrate",
        "LegacyRequest",
        "PublishMedia",
        "StreamOperation",
        "SubscribeMedia",
        "SubscriptionOperation",
    ]
    for name in chosen:
        variants = {variant for variant in public(getattr(_bridge, name)) if variant.isupper()}
        assert {variant.lower() for variant in variants} == public(getattr(owt, name))
