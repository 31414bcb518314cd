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
