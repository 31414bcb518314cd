#!/usr/bin/env python3
"""Tell what the members of records mean: uniffi's generator for Python leaves their comments out.

document.py MODULE SOURCE...    write them into MODULE, from the Rust sources of the records
"""

import re
import sys
import textwrap
from pathlib import Path

RECORD = re.compile(r"uniffi::Record\)\)?\]\npub struct (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
MEMBER = re.compile(r"((?: +///.*\n)+)(?: +#\[.*\]\n)* +pub (\w+):")


def members(body: str) -> str:
    """The section of a docstring that explains the members of a struct."""
    section = "    Attributes:\n"
    for comment, name in MEMBER.findall(body):
        words = " ".join(line.strip().removeprefix("///").strip() for line in comment.splitlines())
        section += textwrap.fill(
            f"{name}: {words}", 99, initial_indent=" " * 8, subsequent_indent=" " * 12
        )
        section += "\n"
    return section


def main(module: Path, sources: list[Path]) -> None:
    text = module.read_text()
    for source in sources:
        for name, body in RECORD.findall(source.read_text()):
            docstring = re.compile(rf'(^class {name}:\n    """\n.*?)^"""', re.MULTILINE | re.DOTALL)
            section = members(body)
            text, count = docstring.subn(lambda match: f'{match[1]}\n{section}"""', text, count=1)
            if count != 1:
                sys.exit(f"document.py does not know this uniffi: no docstring of {name}")
    module.write_text(text)


main(Path(sys.argv[1]), [Path(source) for source in sys.argv[2:]])
