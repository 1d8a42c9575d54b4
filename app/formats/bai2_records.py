"""The records of a BAI2 file: lines by their code, each with the lines of code 88 that go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from app.formats.errors import FileRefused
from app.formats.files import text_lines

CODES: Final = frozenset({"01", "02", "03", "16", "49", "98", "99"})
MOST_LINES: Final = 10_000
"""Of one record with what goes on with it."""


class Record(NamedTuple):
    """`lines`: the record's line without its code, then those of 88; `line` is where it begins."""

    code: str
    line: int
    lines: list[str]

    @property
    def raw(self) -> str:
        return "\n88,".join((f"{self.code},{self.lines[0]}", *self.lines[1:]))

    def values(self) -> list[str]:
        """All values, where none of them is a text with commas in it."""
        return [value.strip() for line in self.lines for value in _ended(line).split(",")]

    def values_and_text(self, reader: FieldReader) -> str:
        """Give the reader its values; returns the text behind them, which may have any sign in it."""
        for place, line in enumerate(self.lines):
            rest = reader.take(_ended(line))
            if rest is not None:
                return "\n".join(
                    part for part in (rest.strip(), *map(str.strip, self.lines[place + 1 :])) if part
                )
        return ""


class FieldReader:
    """The values of a 16 record: how many there are depends on its kind of funds."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def take(self, line: str) -> str | None:
        """Take values from a line; returns what is left once there are all of them, else None."""
        rest: str | None = line
        while len(self.values) < self._wanted():
            if rest is None:
                return None
            value, comma, after = rest.partition(",")
            self.values.append(value.strip())
            rest = after if comma else None
        return rest or ""

    def _wanted(self) -> int:
        """Type, amount, kind of funds, what that asks for, two references."""
        return 5 + more_values(self.values, 2)


def more_values(values: list[str], at: int) -> int:
    """How many values the kind of funds at a place brings with it, as far as that is known yet."""
    kind = values[at].upper() if len(values) > at else ""
    if kind == "S":
        return 3
    if kind == "V":
        return 2
    if kind == "D":
        count = values[at + 1] if len(values) > at + 1 else ""
        return 1 + 2 * (int(count) if count.isdecimal() and len(count) < 3 else 0)
    return 0


def records(path: Path, encoding: str) -> Iterator[Record]:
    """All records of a file. Raises FileRefused for a line that belongs to none."""
    record: Record | None = None
    for number, line in enumerate(text_lines(path, encoding), 1):
        clean = line.rstrip()
        if not clean:
            continue
        code, _, rest = clean.partition(",")
        if code == "88" and record is not None and len(record.lines) < MOST_LINES:
            record.lines.append(rest)
        elif code in CODES:
            if record is not None:
                yield record
            record = Record(code, number, [rest])
        else:
            raise FileRefused(f"{path}, line {number}: {clean[:40]!r} is no record of a BAI2 file")
    if record is not None:
        yield record


def _ended(line: str) -> str:
    return line.removesuffix("/")
