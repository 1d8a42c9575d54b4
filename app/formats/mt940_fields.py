"""The fields of SWIFT messages: `:61:…` with the lines that follow it, and where a message ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from app.formats.files import text_lines

FIELD: Final = re.compile(r"[ \t]*:([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
END: Final = re.compile(r"-(?:\}.*|X+)?")
END_BEHIND: Final = re.compile(r"(.*?)-\}(?:\{.*)?")
"""The end of a message in the line of its last field."""
BLOCK: Final = re.compile(r"\{[1-5]:.*")
FRAME: Final = "\x01\x02\x03\x04"
"""Characters that SWIFT puts around messages."""
MOST_LINES: Final = 200
"""Of one field; it has six."""
LONGEST_LINE: Final = 10_000
"""Characters; it has 65."""


class Field(NamedTuple):
    """`tag` None: the end of a message. `text` is its lines without the tag, joined by line feeds."""

    tag: str | None
    line: int
    text: str

    @property
    def raw(self) -> str:
        return f":{self.tag}:{self.text}"


def fields(path: Path, encoding: str) -> Iterator[Field]:
    """All fields of a file; what stands before the first one and behind an end is noise."""
    tag, begun, lines = None, 0, list[str]()
    for number, line in _lines(path, encoding):
        found = FIELD.fullmatch(line)
        if found is not None or END.fullmatch(line) or BLOCK.fullmatch(line):
            if tag is not None:
                yield Field(tag, begun, "\n".join(lines).rstrip())
            tag, begun, lines = (found[1], number, [found[2]]) if found is not None else (None, 0, [])
            if found is None:
                yield Field(None, number, "")
        elif tag is not None and len(lines) < MOST_LINES:
            lines.append(line[:LONGEST_LINE])
    if tag is not None:
        yield Field(tag, begun, "\n".join(lines).rstrip())
    yield Field(None, 0, "")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """The lines without their ends and frames; the end of a message is a line of its own."""
    for number, line in enumerate(text_lines(path, encoding), 1):
        clean = line.rstrip("\r\n").strip(FRAME).rstrip()
        behind = END_BEHIND.fullmatch(clean)
        if behind is not None and behind[1]:
            yield number, behind[1]
            yield number, "-"
        else:
            yield number, clean
