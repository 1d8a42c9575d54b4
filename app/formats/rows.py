"""What every format makes of a file: rows whose columns are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from app.formats.errors import BadRow
from app.formats.files import CONTROL

Getter = Callable[[Any], Any]
"""Takes `RawRow.content`; gives text, in JSON also numbers, true and false; None where there is nothing."""


class RawRow(NamedTuple):
    """One row as the format sees it. `number` counts rows from 1, `line` is its first line in the file.

    `problem`: why it has no content, or why its content is not to be trusted (too few cells).
    """

    number: int
    line: int | None
    content: Any
    problem: str | None
    raw: str


class Rows(Protocol):
    """One opened file. `asked`: names that a getter was made for, where a file may turn out to have none."""

    asked: dict[str, Getter]

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        """How to find a column. Raises FileRefused where the file cannot have it."""
        ...

    def identity(self, content: Any) -> bytes:
        """Bytes that are equal for equal rows."""
        ...

    def document(self, path: str) -> Any:
        """JSON: the object at `path` beside the list. Raises FileRefused."""
        ...

    def __iter__(self) -> Iterator[RawRow]:
        """All rows, from the beginning each time. Raises FileRefused where the file cannot be read on."""
        ...


def as_text(value: Any, column: str) -> str:
    """A column's value as text, without blanks around it. Raises BadRow where it is no single clean value."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.strip()
        if not text.isprintable() and CONTROL.search(text):
            raise BadRow(f"{column} has a control character in it: {text[:40]!r}")
        return text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    raise BadRow(f"{column} holds {type(value).__name__}, not a single value")


def plain(number: Decimal) -> str:
    """Digits without an exponent; a number far outside of what is money stays as it is written."""
    return f"{number:f}" if -30 < number.adjusted() < 30 else str(number)
