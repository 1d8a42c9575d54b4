"""`python -m tests.formats.table`: every bank file of INDEX.md, what it says there and what is read.

Ends with 1 where a figure differs that is not explained in `EXPLAINED`.
"""

from __future__ import annotations

import sys
from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from app.formats.errors import FileRefused
from app.formats.reading import STATEMENTS
from app.formats.statement_rows import StatementRows
from app.formats.statements import Entry, agreement
from tests.formats import csv_sources
from tests.formats.index import Expected, Figures, expected, figures
from tests.support.statement_files import Found, described, read_statements

EXPLAINED = {
    "mt940__cmxl_statement_line.sta": "one :61: without account, currency or balance: refused",
    "mt940__self-provided_sparkassen.sta": "one :61: without account, currency or balance: refused",
}
"""Files of which INDEX.md counts entries that stand in no statement."""
CLIPPED = 100


class Outcome(NamedTuple):
    """`read` None: the file is refused, and `words` say why."""

    read: Figures | None
    words: str


def read(one: Expected) -> Outcome:
    """One file of a statement format, as its source reads it."""
    try:
        found = read_statements(one.path, one.form)
    except FileRefused as refusal:
        return Outcome(None, f"REFUSED: {str(refusal).replace(str(one.path), '').lstrip(' ,')}")
    return Outcome(_figures(one), _words(found))


def agrees(one: Expected, outcome: Outcome) -> bool:
    """Whether what is read is what INDEX.md says; a refusal is right where it says there is nothing."""
    wanted = figures(one)
    return wanted.entries == 0 if outcome.read is None else outcome.read == wanted


def _figures(one: Expected) -> Figures:
    """Of every entry, also of those that are not sent."""
    file = described(one.form).file
    assert file is not None
    rows = StatementRows(one.path, file, STATEMENTS[one.form])
    entries = [piece for piece in rows.pieces() if isinstance(piece, Entry)]
    amounts = [_amount(entry) for entry in entries]
    return Figures(len(entries), sum((abs(a) if one.form == "bai2" else a for a in amounts), Decimal(0)))


def _amount(entry: Entry) -> Decimal:
    return entry.amount if entry.amount is not None else Decimal(0)


def _words(found: Found) -> str:
    verdicts = Counter(
        {True: "ok", False: "NO", None: "-"}[agreement(one).agrees] for one in found.statements
    )
    parts = [
        f"{len(found.statements)} statements",
        f"{len(found.rows)} entries: {len(found.lines)} lines, {len(found.ignored)} not booked, "
        f"{len(found.problems)} quarantined",
        *(f"{currency} {cr} cr / {db} db" for currency, (cr, db) in _sums(found).items()),
        f"opening + entries = closing: {', '.join(f'{count} {word}' for word, count in verdicts.items())}",
    ]
    return "; ".join(parts)


def _sums(found: Found) -> dict[str, tuple[Decimal, Decimal]]:
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for statement in found.statements:
        for part in (statement.booked, statement.others):
            for currency, one in part.items():
                cr, db = sums.get(currency, (Decimal(0), Decimal(0)))
                sums[currency] = (cr + one.credits, db + one.debits)
    return sums


def main() -> int:
    """Print the table."""
    wrong = 0
    for one in expected():
        if one.form == "csv":
            right, words = csv_sources.read(one.path)
        else:
            outcome = read(one)
            right, words = agrees(one, outcome), outcome.words
        explained = EXPLAINED.get(one.path.name)
        wrong += not right and explained is None
        mark = "=" if right else f"≠ ({explained})" if explained else "≠"
        name = "/".join(one.path.parts[-2:])
        print(f"{name} | {one.said[: CLIPPED * 3]} | {mark} {words[: CLIPPED * 3]}")
    print(f"{wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
