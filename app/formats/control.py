"""Control totals: whether what the file says about itself is what its rows add up to.

A trailer's count is of all rows, read or not. Its sums can be checked only where every row's amounts could be
read; where one could not, that row is the likely difference, and the sums are left unchecked, said aloud.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from app.domain.source_files import SourceFile, Trailer
from app.formats.amounts import Parse, to_minor
from app.formats.errors import BadRow, FileRefused
from app.formats.fields import Amount, Text, all_hold, amount, text
from app.formats.records import Figures
from app.formats.rows import RawRow, Rows

SUMS: Final = ("gross", "fee", "net", "amount")


class TrailerMismatch(FileRefused):
    """The file contradicts its own control totals: it is quarantined whole."""


class Control:
    """The trailer of one source, compiled for one opened file, and what the rows have added up to so far."""

    def __init__(self, trailer: Trailer, file: SourceFile, rows: Rows, parse: Parse) -> None:
        self._trailer, self._numbers, self._rows = trailer, file.numbers, rows
        self._is_trailer = all_hold(trailer.when, rows, parse) if trailer.when else None
        self._parse = parse
        self._count = amount(trailer.count, rows, parse) if trailer.count is not None else None
        self._sums: dict[str, Amount] = {
            name: amount(how, rows, parse) for name in SUMS if (how := getattr(trailer, name)) is not None
        }
        self._currency: Text | None = text(trailer.currency, rows) if trailer.currency is not None else None
        self._trailers = 0
        self.notes: list[str] = []
        self._begin()

    def is_trailer(self, row: RawRow) -> bool:
        if self._is_trailer is None:
            return False
        try:
            return self._is_trailer(row.content)
        except BadRow:
            return False

    def add(self, figures: Figures | None, *, ignored: bool) -> None:
        """One more row. `figures` None: its amounts could not be read."""
        if ignored and not self._trailer.ignored_rows:
            return
        self._rows_seen += 1
        if figures is None:
            self._unreadable += not ignored
            return
        for name, (currency, value) in figures.items():
            self._sums_seen[name][currency] += value

    def check(self, content: Any, where: str) -> None:
        """Raises TrailerMismatch where `content` says otherwise than the rows since the last trailer."""
        self._trailers += 1
        try:
            self._check_count(content, where)
            if self._unreadable:
                self.notes.append(
                    f"{where}: its sums were not checked, {self._unreadable} rows cannot be read"
                )
            else:
                for name, get in self._sums.items():
                    self._check_sum(name, get(content), content, where)
        except BadRow as error:
            raise TrailerMismatch(f"{where} cannot be read: {error}") from None
        self._begin()

    def at_the_end(self) -> None:
        """Raises TrailerMismatch where a trailer is missing or there are rows behind the last one."""
        if self._trailer.path:
            self.check(self._rows.document(self._trailer.path), f"the trailer at {self._trailer.path!r}")
        elif self._trailer.required and not self._trailers:
            raise TrailerMismatch("the file has no trailer: it was cut off, or it is of another kind")
        elif self._trailer.required and self._rows_seen:
            raise TrailerMismatch(f"{self._rows_seen} rows come after the last trailer")

    def _begin(self) -> None:
        self._rows_seen = 0
        self._unreadable = 0
        self._sums_seen: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def _check_count(self, content: Any, where: str) -> None:
        if self._count is None:
            return
        said = self._count(content)
        if said != self._rows_seen:
            raise TrailerMismatch(f"{where} says {_shown(said)} rows, there are {self._rows_seen}")

    def _check_sum(self, name: str, said: Decimal | None, content: Any, where: str) -> None:
        if said is None:
            raise BadRow(f"{name} is empty")
        seen = self._sums_seen[name]
        if not seen:
            if said:
                raise TrailerMismatch(f"{where} says {name} {said}, there are no rows before it")
            return
        currency = self._currency_of(content, seen)
        if to_minor(said, currency, self._numbers, name) != seen.get(currency, 0):
            raise TrailerMismatch(
                f"{where} says {name} {said} {currency}, "
                f"its rows add up to {seen.get(currency, 0)} in minor units"
            )

    def _currency_of(self, content: Any, seen: Mapping[str, int]) -> str:
        if self._currency is not None:
            return self._currency(content)
        if len(seen) > 1:
            raise BadRow(f"its rows are in {', '.join(sorted(seen))}: the source must say `currency`")
        return next(iter(seen))


def _shown(said: Decimal | None) -> str:
    return "nothing about its" if said is None else str(said)
