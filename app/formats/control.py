"""Control totals: whether what the file says about itself is what its rows add up to.

A trailer speaks of the rows before it, of the whole document, or of a group of rows wherever they stand.

A trailer's count is of all rows, read or not. Its sums can be checked only where every row's amounts could be
read; where one could not, that row is the likely difference, and the sums are left unchecked, said aloud.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from app.domain.money import EXPONENTS
from app.domain.source_files import SourceFile, Trailer
from app.formats.amounts import Parse, to_minor
from app.formats.errors import BadRow, FileRefused
from app.formats.fields import Amount, Text, all_hold, amount, text
from app.formats.records import Figures
from app.formats.rows import RawRow, Rows

SUMS: Final = ("gross", "fee", "net", "amount")
SHOWN: Final = 5


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
        self._group: Text | None = text(trailer.group, rows) if trailer.group is not None else None
        self._groups: dict[str, _Seen] = defaultdict(_Seen)
        self._said: dict[str, list[tuple[Any, str]]] = defaultdict(list)
        self._trailers = 0
        self.notes: list[str] = []
        self._seen = _Seen()

    def is_trailer(self, row: RawRow) -> bool:
        if self._is_trailer is None:
            return False
        try:
            return self._is_trailer(row.content)
        except BadRow:
            return False

    def add(self, content: Any, figures: Figures | None, *, ignored: bool) -> None:
        """One more row. `figures` None: its amounts could not be read."""
        if ignored and not self._trailer.ignored_rows:
            return
        seen = self._seen if self._group is None else self._groups[self._group_of(content)]
        seen.add(figures, ignored=ignored)

    def check(self, content: Any, where: str) -> None:
        """Raises TrailerMismatch where `content` says otherwise than the rows since the last trailer."""
        self._trailers += 1
        if self._group is not None:
            self._said[self._group_of(content)].append((content, where))
            return
        self._compare([content], where, self._seen)
        self._seen = _Seen()

    def _group_of(self, content: Any) -> str:
        try:
            return self._group(content) if self._group is not None else ""
        except BadRow:
            return ""

    def _compare(self, contents: Sequence[Any], where: str, seen: _Seen) -> None:
        try:
            self._check_count(contents, where, seen)
            if seen.unreadable:
                self.notes.append(
                    f"{where}: its sums were not checked, {seen.unreadable} rows cannot be read"
                )
                return
            for name in self._sums:
                self._check_sum(name, contents, where, seen)
        except BadRow as error:
            self._contradiction(f"{where} cannot be read: {error}")

    def _contradiction(self, sentence: str) -> None:
        if not self._trailer.lenient:
            raise TrailerMismatch(sentence)
        self.notes.append(sentence)

    def at_the_end(self) -> None:
        """Raises TrailerMismatch where a trailer is missing or there are rows behind the last one."""
        if self._trailer.path:
            self.check(self._rows.document(self._trailer.path), f"the trailer at {self._trailer.path!r}")
        elif self._group is not None:
            self._compare_groups()
        elif self._trailer.required and not self._trailers:
            raise TrailerMismatch("the file has no trailer: it was cut off, or it is of another kind")
        elif self._trailer.required and self._seen.rows:
            raise TrailerMismatch(f"{self._seen.rows} rows come after the last trailer")

    def _compare_groups(self) -> None:
        for group, said in self._said.items():
            where = f"the total of {group!r}, {said[0][1].removeprefix('the trailer ')},"
            self._compare([content for content, _ in said], where, self._groups[group])
        if missing := sorted(set(self._groups) - set(self._said)):
            shown = ", ".join(map(repr, missing[:SHOWN])) + (", …" if len(missing) > SHOWN else "")
            if self._trailer.required:
                raise TrailerMismatch(f"there is no total of {shown}")
            self.notes.append(f"there is no total of {shown}: its rows were not checked against one")

    def _check_count(self, contents: Sequence[Any], where: str, seen: _Seen) -> None:
        if self._count is None:
            return
        said = [self._count(content) for content in contents]
        if any(one is None for one in said) or sum(one or 0 for one in said) != seen.rows:
            self._contradiction(f"{where} says {_shown(said[0])} rows, there are {seen.rows}")

    def _check_sum(self, name: str, contents: Sequence[Any], where: str, seen: _Seen) -> None:
        sums = seen.sums[name]
        said: dict[str, int] = defaultdict(int)
        for content in contents:
            amount = self._sums[name](content)
            if amount is None:
                raise BadRow(f"{name} is empty")
            if not sums:
                if amount:
                    self._contradiction(f"{where} says {name} {amount}, there are no rows before it")
                return
            currency = self._currency_of(content, sums)
            said[currency] += to_minor(amount, currency, self._numbers, name)
        for currency, total in said.items():
            if total != sums.get(currency, 0):
                self._contradiction(
                    f"{where} says {name} {_major(total, currency)} {currency}, "
                    f"its rows add up to {sums.get(currency, 0)} in minor units"
                )

    def _currency_of(self, content: Any, seen: Mapping[str, int]) -> str:
        if self._currency is not None:
            return self._currency(content)
        if len(seen) > 1:
            raise BadRow(f"its rows are in {', '.join(sorted(seen))}: the source must say `currency`")
        return next(iter(seen))


class _Seen:
    """What rows have added up to: those before a trailer, or those of a group."""

    def __init__(self) -> None:
        self.rows = 0
        self.unreadable = 0
        self.sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, figures: Figures | None, *, ignored: bool) -> None:
        self.rows += 1
        if figures is None:
            self.unreadable += not ignored
            return
        for name, (currency, value) in figures.items():
            self.sums[name][currency] += value


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-EXPONENTS[currency])


def _shown(said: Decimal | None) -> str:
    return "nothing about its" if said is None else str(said)
