"""What a cut-off settles: one batch per currency, its lines, and the CSV file they are written to.

`source.toml` beside this file describes the CSV to `python -m app ingest`. Refunds and chargebacks are
negative. A refund that failed before it was ever settled is not listed: nothing has moved in the end.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from app.sandbox.books import Books
from app.sandbox.money import decimal_text
from app.sandbox.objects import Charge, Movement

COLUMNS: Final = (
    "batch", "line", "type", "object", "reference", "currency", "gross", "fee", "net", "booked_on",
)  # fmt: skip
TOTAL: Final = "total"
REFERENCES: Final = ("order_ref", "payment_id", "invoice_id")
"""Which of our ids a line shows: the first that the charge carries."""


class Line(NamedTuple):
    """Amounts in minor units, signed."""

    batch: str
    line: str
    type: str
    object: str
    reference: str
    currency: str
    gross: int
    fee: int

    @property
    def net(self) -> int:
        return self.gross - self.fee


def unsettled(books: Books) -> dict[str, list[Movement]]:
    """Currency -> movements that no batch has taken, in the order they were made."""
    found: defaultdict[str, list[Movement]] = defaultdict(list)
    for movement in books.open.values():
        found[movement.currency].append(movement)
    return dict(sorted(found.items()))


def lines_of(books: Books, batch: str, movements: Sequence[Movement]) -> list[Line]:
    failed = {each.source for each in movements if each.kind == "refund_failed"}
    undone = {each.source for each in movements if each.kind == "refund" and each.source in failed}
    return [_line(books, batch, each) for each in movements if each.source not in undone]


def _line(books: Books, batch: str, movement: Movement) -> Line:
    metadata = books.all(Charge)[movement.charge].metadata if movement.charge else {}
    reference = next((metadata[name] for name in REFERENCES if name in metadata), "")
    return Line(
        batch=batch,
        line=movement.id,
        type="adjustment" if movement.kind == "refund_failed" else movement.kind,
        object=movement.source,
        reference=reference,
        currency=movement.currency,
        gross=movement.gross,
        fee=movement.fee,
    )


def settlement_csv(batches: Iterable[Sequence[Line]], on: date) -> str:
    """Each batch ends with a row of its totals: count in `line`, sums in the columns of amounts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for lines in batches:
        writer.writerows(_row(line, on) for line in lines)
        writer.writerow(_row(_total(lines), on))
    return text.getvalue()


def _total(lines: Sequence[Line]) -> Line:
    first = lines[0]
    gross, fee = sum(line.gross for line in lines), sum(line.fee for line in lines)
    return Line(first.batch, str(len(lines)), TOTAL, "", "", first.currency, gross, fee)


def _row(line: Line, on: date) -> tuple[str, ...]:
    amounts = (decimal_text(amount, line.currency) for amount in (line.gross, line.fee, line.net))
    named = (line.batch, line.line, line.type, line.object, line.reference, line.currency)
    return (*named, *amounts, on.isoformat())
