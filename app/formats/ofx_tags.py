"""OFX as a stream of tags: SGML without closing tags (version 1) and XML (version 2), bounded in size."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from app.formats.errors import FileRefused
from app.formats.files import reading

CHUNK_CHARACTERS: Final = 64 * 1024
LONGEST: Final = 256 * 1024
"""Characters of one tag with the text behind it."""


class Tag(NamedTuple):
    """`<NAME>text`; `name` begins with `/` where it closes. `line` is where it stands in the file."""

    name: str
    text: str
    line: int


def tags(path: Path, encoding: str) -> Iterator[Tag]:
    """All tags of a file. Raises FileRefused."""
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=reading(encoding), newline=None) as file:
        rest, line = "", 1
        while chunk := file.read(CHUNK_CHARACTERS):
            *whole, rest = (rest + chunk).split("<")
            for piece in whole:
                yield from _tag(path, piece, line)
                line += piece.count("\n")
            if len(rest) > LONGEST:
                raise FileRefused(f"{path}, line {line}: over {LONGEST:,} characters without a tag")
        yield from _tag(path, rest, line)


def _tag(path: Path, piece: str, line: int) -> Iterator[Tag]:
    """What stands between two `<`; before the first one is the header."""
    name, bracket, text = piece.partition(">")
    if piece.upper().startswith("!DOCTYPE"):
        raise FileRefused(f"{path}, line {line}: it has a document type (DOCTYPE), which an OFX file has not")
    if bracket and not name.startswith(("?", "!")):
        yield Tag(name.strip().rstrip("/").upper(), html.unescape(text.strip()), line)
