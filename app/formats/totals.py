"""What a file comes to: rows by what became of them, sums per currency, batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any, Final

from app.domain.money import EXPONENTS
from app.formats.reading import Row

MOST_BATCHES: Final = 1_000
"""More are counted together: a file may have any number of them."""
SHOWN_ROWS: Final = 20
BATCH_SUMS: Final = ("gross", "fee", "net")


class Totals:
    """Adds up the rows of one file in little memory."""

    def __init__(self, holds: str) -> None:
        self._holds = holds
        self.rows = 0
        self.records: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.ignored_sums: dict[str, dict[str, dict[str, int]]] = {}
        """Reason -> currency -> name of an amount, as far as they can be read: what a payout was, for one."""
        self.quarantined = 0
        self.examples: list[Row] = []
        self.sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.batches: dict[tuple[str, str], Counter[str]] = {}
        self.rows_of_more_batches = 0

    @property
    def sent(self) -> int:
        return self.records.total()

    def add(self, row: Row) -> None:
        self.rows += 1
        if row.record is not None:
            self._add_record(row)
        elif row.ignored is not None:
            self._add_ignored(row.ignored, row)
        else:
            self.quarantined += 1
            if len(self.examples) < SHOWN_ROWS:
                self.examples.append(row)

    def _add_ignored(self, reason: str, row: Row) -> None:
        self.ignored[reason] += 1
        for figure, (currency, value) in (row.figures or {}).items():
            if value:
                sums = self.ignored_sums.setdefault(reason, {}).setdefault(currency, {})
                sums[figure] = sums.get(figure, 0) + value

    def _add_record(self, row: Row) -> None:
        record: Any = row.record
        tag = str(record.__struct_config__.tag)
        name = f"{tag}.{record.kind}" if self._holds == "settlement" else tag
        self.records[name] += 1
        for figure, (currency, value) in (row.figures or {}).items():
            self.sums[currency][self._sum_name(tag, figure, value)] += value
        if self._holds == "settlement":
            self._add_to_batch(record)

    def _sum_name(self, tag: str, figure: str, value: int) -> str:
        if self._holds == "settlement":
            return figure
        if self._holds == "bank":
            return "credits" if value >= 0 else "debits"
        return tag if figure == "amount" else f"{tag}.{figure}"

    def _add_to_batch(self, record: Any) -> None:
        key = (record.batch_id, record.settle_currency)
        if key not in self.batches and len(self.batches) >= MOST_BATCHES:
            self.rows_of_more_batches += 1
            return
        batch = self.batches.setdefault(key, Counter())
        batch["lines"] += 1
        for name in BATCH_SUMS:
            if name != "gross" or record.currency == record.settle_currency:
                batch[name] += getattr(record, name)

    def as_document(self) -> dict[str, Any]:
        """Amounts in minor units."""
        document: dict[str, Any] = {
            "rows": self.rows,
            "records": dict(sorted(self.records.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "ignored_sums": dict(sorted(self.ignored_sums.items())),
            "quarantined": self.quarantined,
            "quarantined_rows": [
                {"row": row.number, "line": row.line, "reason": row.problem} for row in self.examples
            ],
            "sums": {currency: dict(names) for currency, names in sorted(self.sums.items())},
        }
        if self._holds == "settlement":
            document["batches"] = [
                {"batch_id": batch, "currency": currency, **{n: sums[n] for n in ("lines", *BATCH_SUMS)}}
                for (batch, currency), sums in sorted(self.batches.items())
            ]
            if self.rows_of_more_batches:
                document["rows_of_more_batches"] = self.rows_of_more_batches
        return document


def major(amount: int, currency: str) -> str:
    """Minor units for people: `-1,234.50`."""
    return f"{Decimal(amount).scaleb(-EXPONENTS[currency]):,f}"
