"""CSV as it is found: any delimiter, quoted line ends, lines before the header, trailers of another shape.

A row with a broken quote is quarantined alone: reading goes on at the next line, however far the quote had
reached.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from app.domain.source_files import SourceFile
from app.formats.errors import FileRefused
from app.formats.files import text_lines
from app.formats.rows import Getter, RawRow

DELIMITERS: Final = ";,\t|"
UNIT: Final = "\x1f"
SHOWN: Final = 12


class CsvRows:
    """One CSV file. Raises FileRefused where the header is missing, ambiguous or of another file."""

    def __init__(self, path: Path, file: SourceFile) -> None:
        self._path, self._file = path, file
        self.asked: dict[str, Getter] = {}
        self._names: list[str] = self._header() if file.header else []
        self._width = len(self._names)

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        index = self._index(name)
        if index is None:
            if optional:
                return lambda cells: None
            raise FileRefused(self._no_such_column(name))
        at = index
        return lambda cells: cells[at] if at < len(cells) else None

    def identity(self, content: Any) -> bytes:
        return UNIT.join([cell.strip() for cell in content]).encode("utf-8", "surrogatepass")

    def document(self, path: str) -> Any:
        raise FileRefused(f"{self._path}: a CSV file has no {path}")

    def __iter__(self) -> Iterator[RawRow]:
        records = self._records(self._feed())
        if self._file.header:
            next(records)
        for number, (line, cells, problem, raw) in enumerate(records, 1):
            if problem is None and self._width and len(cells) != self._width:
                cells, problem = self._fit(cells)
            yield RawRow(number, line, cells, problem, raw)

    def _feed(self) -> _Feed:
        lines = text_lines(self._path, self._file.encoding, self._file.skip_rows)
        return _Feed(lines, self._file.comment, self._file.skip_rows)

    def _records(self, feed: _Feed) -> Iterator[tuple[int, list[str], str | None, str]]:
        """(line, cells, problem, raw) of every row that is not blank."""
        reader = csv.reader(feed, **_dialect(self._file))
        while True:
            line = feed.next_line
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raw = feed.only_first_taken()
                yield feed.taken_at, [], f"its quotes are wrong: {error}", raw
                continue
            line, raw = feed.taken_at, feed.take()
            if any(cell and not cell.isspace() for cell in cells):
                yield line, cells, None, raw

    def _header(self) -> list[str]:
        first = next(self._records(self._feed()), None)
        if first is None:
            raise FileRefused(
                f"{self._path} has no header: there is nothing after line {self._file.skip_rows}"
            )
        line, cells, problem, _ = first
        if problem is not None:
            raise FileRefused(f"{self._path}, line {line}: the header cannot be read: {problem}")
        names = [cell.strip() for cell in cells]
        while not names[-1]:  # a delimiter at the end of each line
            names.pop()
        twice = sorted({name for name in names if name and names.count(name) > 1})
        if twice:
            raise FileRefused(
                f"{self._path}, line {line}: the header has {', '.join(map(repr, twice))} more than once; "
                "with header = false and skip_rows columns can be named by number, like #3"
            )
        return names

    def _index(self, name: str) -> int | None:
        if name in self._names:
            return self._names.index(name)
        if name.startswith("#") and name[1:].isdecimal() and int(name[1:]) > 0:
            return int(name[1:]) - 1
        return None

    def _no_such_column(self, name: str) -> str:
        if not self._file.header:
            return f"{self._path}: column {name!r}: a file without header has #1, #2, … only"
        shown = ", ".join(map(repr, self._names[:SHOWN])) + (", …" if len(self._names) > SHOWN else "")
        hint = ""
        if len(self._names) == 1:
            others = [sign for sign in DELIMITERS if sign in self._names[0] and sign != self._file.delimiter]
            hint = f"; is the delimiter {others[0]!r}?" if others else ""
        return f"{self._path} has no column {name!r}; its header is {shown}{hint}"

    def _fit(self, cells: list[str]) -> tuple[list[str], str | None]:
        """Empty cells too many do no harm; too few only where the source says so."""
        width = self._width
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width], None
        if len(cells) < width and self._file.ragged:
            return cells, None
        return cells, f"it has {len(cells)} cells, the header has {width}"


class _Feed:
    """Lines for the csv reader, which remembers what one row took and can give lines back."""

    def __init__(self, lines: Iterator[str], comment: str, skipped: int) -> None:
        self._lines, self._comment = lines, comment
        self._back: deque[str] = deque()
        self._taken: list[str] = []
        self.next_line = skipped + 1
        self.taken_at = self.next_line

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        while True:
            line = self._back.popleft() if self._back else next(self._lines)
            if not self._taken:
                self.taken_at = self.next_line
            self.next_line += 1
            if self._taken or not self._comment or not line.startswith(self._comment):
                self._taken.append(line)
                return line

    def take(self) -> str:
        """The text of the row that was just read."""
        raw = self._taken[0] if len(self._taken) == 1 else "".join(self._taken)
        self._taken.clear()
        return raw.rstrip("\r\n")

    def only_first_taken(self) -> str:
        """The row went wrong: its first line is its text, the others are read again."""
        first, *others = self._taken
        self._back.extendleft(reversed(others))
        self.next_line -= len(others)
        self._taken.clear()
        return first.rstrip("\r\n")


def _dialect(file: SourceFile) -> dict[str, Any]:
    return {
        "delimiter": file.delimiter,
        "quotechar": file.quote or None,
        "quoting": csv.QUOTE_MINIMAL if file.quote else csv.QUOTE_NONE,
        "escapechar": file.escape or None,
        "strict": True,
    }
