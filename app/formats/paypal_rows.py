"""PayPal's reports: one CSV of records of many kinds, told apart by their first cell.

RH, FH, SH are headers of report, file and section, CH names the columns of the SB rows behind it, SF and RF
are totals per currency of a section and of the report, SC and RC count their rows, FF ends the file. Amounts
have no sign and no point; a column beside each says DR or CR. Rows are the SB records; `section.account`,
`section.begins` and `section.ends` are of the section that they stand in; `converted.currency`, `.net`,
`.fee` and `.rate` are of what a payment was converted into, `converts` of the conversion.
Source: PayPal, Settlement Report Specification; Transaction Detail Report Specification.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from app.domain.source_files import SourceFile
from app.formats.control import TrailerMismatch
from app.formats.csv_rows import CsvRows
from app.formats.errors import FileRefused
from app.formats.paypal_conversions import Moved, joined
from app.formats.rows import Getter, RawRow

KINDS: Final = frozenset("RH FH SH CH SB SF SC RF RC FF".split())
SECTION: Final = {"section.begins": 1, "section.ends": 2, "section.account": 3}
"""Name of a column -> cell of the section's header."""
CONVERTED: Final = frozenset("converted.currency converted.net converted.fee converted.rate converts".split())
EVENT: Final = "Transaction Event Code"
ID: Final = "Transaction ID"
REFERENCE: Final = "PayPal Reference ID"
WITHDRAWALS: Final = ("T04", "T17")
"""Event codes of money on its way to the bank; a footer's totals may leave them out."""
AMOUNTS: Final = (
    ("Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency"),
    ("Fee Debit or Credit", "Fee Amount", "Fee Currency"),
)
"""Direction, amount and currency, of the transaction and of its fee."""
Sums = dict[str, dict[str, int]]
"""Currency -> `CR`, `DR`, `fee CR`, `fee DR`, and the same with `withdrawn ` before -> hundredths."""


class PaypalRows:
    """One report of any kind. Raises FileRefused without columns, TrailerMismatch for wrong totals."""

    def __init__(self, path: Path, file: SourceFile) -> None:
        self._path = path
        self._csv = CsvRows(path, msgspec.structs.replace(file, header=False, skip_rows=0, ragged=True))
        self.asked: dict[str, Getter] = {}
        self.notes: list[str] = []
        self._names = self._columns()

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        if name in SECTION or name in CONVERTED:
            return lambda content: content[-1].get(name)
        if name in self._names:
            at = self._names.index(name)
            return lambda content: content[at] if at < len(content) - 1 else None
        if optional:
            return lambda content: None
        raise FileRefused(f"{self._path} has no column {name!r}; its CH row has {', '.join(self._names[1:])}")

    def identity(self, content: Any) -> bytes:
        return self._csv.identity(content[:-1])

    def document(self, path: str) -> Any:
        raise FileRefused(f"{self._path}: a PayPal report has no {path}")

    def __iter__(self) -> Iterator[RawRow]:
        return joined(self._rows())

    def _rows(self) -> Iterator[tuple[RawRow, Moved | None]]:
        self.notes = []
        number, section, totals = 0, dict[str, str](), _Totals(self._path, self._names, self.notes)
        for row in self._csv:
            kind = row.content[0].strip() if row.content else ""
            if kind == "SB" or row.problem is not None or kind not in KINDS:
                number += 1
                problem = row.problem or (None if kind == "SB" else f"there is no kind of record {kind!r}")
                found = RawRow(number, row.line, [*row.content, section], problem, row.raw)
                yield found, totals.moved(row.content) if problem is None else None
            elif kind == "SH":
                section = {name: _cell(row.content, at) for name, at in SECTION.items()}
            elif kind == "CH" and [cell.strip() for cell in row.content] != self._names:
                raise FileRefused(f"{self._path}, line {row.line}: its sections have different columns")
            totals.take(kind, row.content, row.line)

    def _columns(self) -> list[str]:
        for row in self._csv:
            kind = row.content[0].strip() if row.content else ""
            if kind == "CH":
                return [cell.strip() for cell in row.content]
            if kind not in KINDS or kind == "SB":
                break
        raise FileRefused(f"{self._path} names no columns in a CH row: is it one of PayPal's reports?")


class _Totals:
    """Adds up the rows of the section and of the report, and compares them with what footers say."""

    def __init__(self, path: Path, names: Sequence[str], notes: list[str]) -> None:
        self._path, self._notes = path, notes
        self._at = [
            tuple(names.index(one) if one in names else None for one in columns) for columns in AMOUNTS
        ]
        self._event = names.index(EVENT) if EVENT in names else None
        self._id = names.index(ID) if ID in names else None
        self._reference = names.index(REFERENCE) if REFERENCE in names else None
        self._section, self._report = _empty(), _empty()
        self._rows = {"SC": 0, "RC": 0}
        self._whole = True

    def take(self, kind: str, cells: Sequence[str], line: int | None) -> None:
        where = f"line {line}"
        if kind == "SB":
            self._add(cells)
        elif kind == "SH":
            self._section, self._rows["SC"] = _empty(), 0
        elif kind == "FH":
            self._whole = _cell(cells, 1).lstrip("0") in ("", "1")
        elif kind == "SF":
            self._compare(cells, self._section, f"{where}: the section's total")
        elif kind == "RF" and self._whole:
            self._compare(cells, self._report, f"{where}: the report's total")
        elif kind == "SC" or (kind == "RC" and self._whole):
            self._count(kind, cells, where)

    def _add(self, cells: Sequence[str]) -> None:
        self._rows = {kind: count + 1 for kind, count in self._rows.items()}
        event = _cell(cells, self._event)
        prefix = "withdrawn " if event.startswith(WITHDRAWALS) else ""
        for name, (direction, amount, currency) in zip(("", "fee "), self._at, strict=True):
            value = _number(_cell(cells, amount))
            if value is not None:
                side = f"{prefix}{name}{_cell(cells, direction)}"
                self._section[_cell(cells, currency)][side] += value
                self._report[_cell(cells, currency)][side] += value

    def moved(self, cells: Sequence[str]) -> Moved:
        """What a row moves, as far as it says so."""
        (gross, currency), (fee, _) = (self._signed(cells, *columns) for columns in self._at)
        event, reference = _cell(cells, self._event), _cell(cells, self._reference)
        return Moved(_cell(cells, self._id), event, reference, currency, gross, fee)

    def _signed(
        self, cells: Sequence[str], direction: int | None, amount: int | None, currency: int | None
    ) -> tuple[int, str]:
        value = _number(_cell(cells, amount)) or 0
        return (-value if _cell(cells, direction) == "DR" else value), _cell(cells, currency)

    def _compare(self, cells: Sequence[str], sums: Sums, where: str) -> None:
        """Cells: kind, currency, gross credits, gross debits, two fee totals, then balances."""
        currency, found = _cell(cells, 1), sums[_cell(cells, 1)]
        said = [_number(_cell(cells, at)) for at in range(2, 6)]
        without = (found["CR"], found["DR"])
        among = {without, (without[0] + found["withdrawn CR"], without[1] + found["withdrawn DR"])}
        if tuple(said[:2]) not in among:
            raise TrailerMismatch(
                f"{self._path}, {where} of {currency} says credits {said[0]} and debits {said[1]}, "
                f"its rows add up to {without[0]} and {without[1]}"
            )
        fees = [found["fee DR"], found["fee CR"]]
        if sorted(one or 0 for one in said[2:]) != sorted(fees):
            self._notes.append(
                f"{where} of {currency} says fees {said[2]} and {said[3]}, "
                f"its rows add up to {fees[0]} taken and {fees[1]} given back"
            )

    def _count(self, kind: str, cells: Sequence[str], where: str) -> None:
        said = _number(_cell(cells, 1))
        if said != self._rows[kind]:
            raise TrailerMismatch(f"{self._path}, {where} says {said} rows, there are {self._rows[kind]}")


def _empty() -> Sums:
    return defaultdict(lambda: defaultdict(int))


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at].strip() if at is not None and at < len(cells) else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
