"""The samples of the documents work: each defines `main`, which gets what its parameters name. And
whoever reads the package in an editor finds everything explained."""

import inspect
import os
import re
from pathlib import Path
from typing import Any

import pytest
import roamio
from portal import Portal
from server import Server
from waiting import within

ROOT = Path(__file__).parents[3]


def samples() -> list[Any]:
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        page, text = path.relative_to(ROOT), path.read_text()
        for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match.group(1), id=f"{page}:{line}"))
    assert len(found) >= 6
    return found


@pytest.mark.parametrize("sample", samples())
async def test_a_sample_runs(sample: str, portal: Portal, server: Server) -> None:
    names: dict[str, Any] = {}
    exec(compile(sample, "sample", "exec"), names)
    given = {"token": await portal.token(), "url": server.url}
    wanted = inspect.signature(names["main"]).parameters
    await within(names["main"](**{name: given[name] for name in wanted}))


def test_everything_that_is_public_is_explained() -> None:
    classes = [it for it in vars(roamio).values() if inspect.isclass(it)]
    assert len(classes) > 40
    for public in classes:
        assert public.__doc__, public
        for name, member in vars(public).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                inherited = any(getattr(base, name, None) for base in public.__mro__[1:])
                assert member.__doc__ or inherited, f"{public.__name__}.{name}"


def test_every_member_of_a_record_is_explained() -> None:
    names = [name for name in roamio.__all__ if name.endswith("Options")]
    for record in [getattr(roamio, name) for name in names] + [roamio.Stats, roamio.Room]:
        for name in inspect.signature(record).parameters:
            assert f"\n        {name}: " in record.__doc__, f"{record.__name__}.{name}"


@pytest.mark.parametrize("generated", ["swift/Roamio.swift", "kotlin/io/roamio/roamio.kt"])
def test_comments_of_the_bridge_are_in_every_language(generated: str) -> None:
    text = (Path(os.environ["ROAMIO_BINDINGS"]) / generated).read_text()
    for comment in (
        "A conference session, from one login to its end.",  # of an object
        "Ask the portal; `data_json` is one JSON object",  # of a method
        "Time limit, 1 ms to 24 h, counted from the call",  # of a member of a record
        "The connection is lost; coming back with the ticket.",  # of a variant
    ):
        assert comment in text
