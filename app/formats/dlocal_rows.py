"""dLocal's settlement report: a summary with its own header, then the rows with theirs.

The rows have more digits than cents, so their rounded amounts need not add up to the transfer. What is
missing is a row of its own, `RESIDUAL`, as long as rounding explains it; anything larger refuses the file.
`summary.<name>` is a column of the summary.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from app.domain.money import EXPONENTS
from app.domain.source_files import SourceFile
from app.formats.amounts import parser
from app.formats.control import TrailerMismatch
from app.formats.csv_rows import CsvRows
from app.formats.errors import BadRow, FileRefused
from app.formats.rows import Getter, RawRow

SUMMARY_LINES: Final = 2
KIND: Final = "ROW_TYPE"
TOTALS: Final = {
    "GROSS_AMOUNT": "GROSS_TOTAL_AMOUNT",
    "FEE_AMOUNT": "FEE_TOTAL_AMOUNT",
    "NET_AMOUNT": "NET_TOTAL_AMOUNT",
}
"""Column of the rows -> its total in the summary."""


class DlocalRows(CsvRows):
    """One settlement report. Raises FileRefused without a summary, TrailerMismatch for wrong totals."""

    def __init__(self, path: Path, file: SourceFile) -> None:
        self._summary = _summary(path, file)
        self.notes: list[str] = []
        super().__init__(path, msgspec.structs.replace(file, skip_rows=file.skip_rows + SUMMARY_LINES))
        self._parse = parser(file.numbers)
        self._smallest = Decimal(1).scaleb(-EXPONENTS.get(self._summary["SETTLEMENT_CURRENCY"], 2))

    def getter(self, name: str, *, optional: bool = False) -> Getter:
        if not name.startswith("summary."):
            return super().getter(name, optional=optional)
        said = self._summary.get(name.removeprefix("summary."))
        if said is None and not optional:
            raise FileRefused(f"{self._path}: its summary has no {name.removeprefix('summary.')!r}")
        return lambda content: said

    def __iter__(self) -> Iterator[RawRow]:
        self.notes = []
        exact, rounded, count = dict.fromkeys(TOTALS, Decimal(0)), Decimal(0), 0
        readable = True
        getters = {name: self.getter(name) for name in TOTALS}
        for row in super().__iter__():
            count += 1
            try:
                found = {name: self._parse(get(row.content), name) for name, get in getters.items()}
            except BadRow:
                found = dict.fromkeys(TOTALS)
            readable = readable and row.problem is None and None not in found.values()
            exact = {name: value + (found[name] or 0) for name, value in exact.items()}
            rounded += (found["NET_AMOUNT"] or Decimal(0)).quantize(self._smallest, ROUND_HALF_UP)
            yield row
        if not readable:
            self.notes.append("the summary was not checked: a row's amounts cannot be read")
            return
        self._check(exact, count)
        if residual := self._said("NET_AMOUNT") - rounded:
            yield self._residual(residual, count + 1)

    def _check(self, exact: dict[str, Decimal], count: int) -> None:
        """Each row may be off by half of the smallest unit, and so may the total."""
        allowed = self._smallest / 2 * (count + 1)
        for name, value in exact.items():
            if abs(self._said(name) - value) > allowed:
                raise TrailerMismatch(
                    f"{self._path}: the summary says {TOTALS[name]} {self._said(name)}, "
                    f"its rows add up to {value}"
                )
        items = self._summary.get("NUMBER_OF_ITEMS", "")
        if items != str(count):
            self.notes.append(f"the summary says {items} items, there are {count} rows")

    def _said(self, name: str) -> Decimal:
        return self._parse(self._summary.get(TOTALS[name]), TOTALS[name]) or Decimal(0)

    def _residual(self, residual: Decimal, number: int) -> RawRow:
        cells = {
            KIND: "RESIDUAL",
            "DLOCAL_TRANSACTION_ID": f"residual-{self._summary.get('TRANSFER_ID', '')}",
            "GROSS_AMOUNT": str(residual),
            "FEE_AMOUNT": "0",
            "NET_AMOUNT": str(residual),
        }
        return RawRow(number, None, [cells.get(name, "") for name in self._names], None, "")


def _summary(path: Path, file: SourceFile) -> dict[str, str]:
    rows = CsvRows(path, msgspec.structs.replace(file, header=False))
    lines = [[cell.strip() for cell in row.content] for row in islice(rows, SUMMARY_LINES)]
    if len(lines) < SUMMARY_LINES or lines[0][:1] != [KIND] or lines[1][:1] != ["HEADER"]:
        raise FileRefused(f"{path} does not begin with a summary: is it dLocal's settlement report?")
    found = dict(zip(lines[0], lines[1], strict=False))
    found.pop("", None)
    if missing := sorted({"SETTLEMENT_CURRENCY", *TOTALS.values()} - set(found)):
        raise FileRefused(f"{path}: its summary has no {', '.join(missing)}")
    return found
