"""The samples of the documents work: each defines `main`, which gets what its parameters name."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from portal import Portal
from server import Server
from waiting import within

ROOT = Path(__file__).parents[3]


def samples() -> list[Any]:
    found = []
    for page in ("README.md", "docs/python.md"):
        text = (ROOT / page).read_text()
        for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match.group(1), id=f"{page}:{line}"))
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("sample", samples())
async def test_a_sample_runs(sample: str, portal: Portal, server: Server) -> None:
    names: dict[str, Any] = {}
    exec(compile(sample, "sample", "exec"), names)
    given = {"token": await portal.token(), "url": server.url}
    wanted = inspect.signature(names["main"]).parameters
    await within(names["main"](**{name: given[name] for name in wanted}))
