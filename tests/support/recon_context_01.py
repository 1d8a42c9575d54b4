"""A real reconciliation data set: a card acquirer's settlement file against a ledger, in BRL, USD and EUR.

The files lie in `../shared/fixtures/recon/context-01-card-acquirer-settlement`:
* `matcher__ledger-midaz.csv`: our side, one row per sale (amount > 0) and per chargeback (amount < 0)
* `matcher__acquirer-settlement.json`: the acquirer's side, one object per settled sale; repeats are in it

`payments` and `settlement_lines` turn them into records as upstream would write them: the order id is the
PSP's object id. Chargebacks are no payments and are left out; `chargebacks` counts them. The `scenario`
column (the authors' answer) is dropped on reading.

`compare` is an independent reconciliation of the same files: plain dictionaries and `Decimal`, nothing of
`app`. What the program finds has to equal what it finds.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = ("recon", "context-01-card-acquirer-settlement")
PSP = "acquirer-c01"
SOURCE = "acquirer-c01"
CENTS_PER_UNIT = 100
"""BRL, USD and EUR have two digits after the point; another currency in the files is an error."""

Row = dict[str, str]


class Plan(NamedTuple):
    """The acquirer's fee: `rate` of the gross plus `fixed`, in major units; and what may differ, in cents."""

    rate: Decimal = Decimal("0.029")
    fixed: Decimal = Decimal("0.63")
    fee_tolerance: int = 20
    gross_tolerance: int = 5

    def fee(self, gross: int) -> int:
        """Expected fee in cents; the proportional part is rounded half-up once."""
        return round_half_up(gross * self.rate) + cents(str(self.fixed))


class Comparison(NamedTuple):
    """What the two files say about each other. Amounts in cents, acquirer minus ledger.

    `gross`: order id -> difference beyond the tolerance; `fee`: likewise against the plan, if any;
    `duplicates`: acquirer transaction ids; `missing_settlement`, `missing_payment`: order ids;
    `currencies`: order ids whose currencies differ; `late`: order ids settled after T+2 business days;
    `pairs`: how many orders are on both sides.
    """

    pairs: int
    gross: dict[str, int]
    fee: dict[str, int]
    duplicates: set[str]
    missing_settlement: set[str]
    missing_payment: set[str]
    currencies: set[str]
    late: set[str]


def ledger_rows(folder: Path) -> list[Row]:
    with (folder / "matcher__ledger-midaz.csv").open(encoding="utf-8", newline="") as file:
        return [without_answer(row) for row in csv.DictReader(file)]


def acquirer_rows(folder: Path) -> list[Row]:
    rows = json.loads((folder / "matcher__acquirer-settlement.json").read_text(encoding="utf-8"))
    return [without_answer(row) for row in rows]


def without_answer(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "scenario"}


def sales(folder: Path) -> list[Row]:
    """Ledger rows that are payments."""
    return [row for row in ledger_rows(folder) if cents(row["amount"]) > 0]


def chargebacks(folder: Path) -> int:
    return sum(cents(row["amount"]) < 0 for row in ledger_rows(folder))


def payments(folder: Path) -> list[dict[str, Any]]:
    """Every sale of the ledger as a `payment.record`, in the file's order."""
    return [
        {
            "type": "payment.record",
            "id": row["ledger_tx_id"],
            "merchant_id": row["merchant_id"],
            "payment_id": row["ledger_tx_id"],
            "amount": minor_units(row["amount"], row["currency"]),
            "currency": row["currency"],
            "psp": PSP,
            "psp_payment_id": row["order_id"],
            "method": "card",
            "occurred_at": row["occurred_at"],
            "order_ref": row["order_id"],
        }
        for row in sales(folder)
    ]


def settlement_lines(folder: Path) -> list[dict[str, Any]]:
    """Every object of the acquirer's file as a `settlement.line`, repeats as they are, in file order."""
    return [
        {
            "type": "settlement.line",
            "source": SOURCE,
            "psp": PSP,
            "batch_id": row["settlement_id"],
            "line_id": row["acquirer_tx_id"],
            "kind": "capture",
            "psp_payment_id": row["order_id"],
            "merchant_ref": row["order_id"],
            "currency": row["currency"],
            "gross": minor_units(row["gross_amount"], row["currency"]),
            "fee": minor_units(row["fee_amount"], row["currency"]),
            "tax": 0,
            "reserve": 0,
            "settle_currency": row["currency"],
            "rate": None,
            "net": minor_units(row["net_amount"], row["currency"]),
            "booked_on": row["settlement_date"],
        }
        for row in acquirer_rows(folder)
    ]


def minor_units(amount: str, currency: str) -> int:
    if currency not in ("BRL", "USD", "EUR"):
        raise ValueError(f"the files were known to hold BRL, USD and EUR, not {currency}")
    return cents(amount)


def compare(folder: Path, plan: Plan | None) -> Comparison:
    """Reconcile the files by order id. Without a plan no fee is compared; gross tolerance as in `Plan()`."""
    ledger = {row["order_id"]: row for row in sales(folder)}
    if len(ledger) != len(sales(folder)):
        raise ValueError("an order is in the ledger twice as a sale")
    acquirer = defaultdict(list)
    for row in sorted(acquirer_rows(folder), key=lambda row: (row["settlement_date"], row["acquirer_tx_id"])):
        acquirer[row["order_id"]].append(row)
    both = sorted(ledger.keys() & acquirer.keys())
    found = Comparison(
        len(both),
        {},
        {},
        set(),
        ledger.keys() - acquirer.keys(),
        acquirer.keys() - ledger.keys(),
        set(),
        set(),
    )
    for order in both:
        compare_order(order, ledger[order], acquirer[order], plan, found)
    return found


def compare_order(order: str, sale: Row, rows: list[Row], plan: Plan | None, found: Comparison) -> None:
    """One sale against its settled rows in the order of their dates and ids."""
    if any(row["currency"] != sale["currency"] for row in rows):
        found.currencies.add(order)
        return
    expected = cents(sale["amount"])
    tolerances = plan or Plan()
    settled, fee = 0, 0
    seen: set[int] = set()
    due = two_business_days_after(date.fromisoformat(sale["occurred_at"][:10]))
    for row in rows:
        gross = cents(row["gross_amount"])
        repeated = any(abs(gross - other) <= tolerances.gross_tolerance for other in seen)
        if repeated and settled + gross > expected + tolerances.gross_tolerance:
            found.duplicates.add(row["acquirer_tx_id"])
            continue
        seen.add(gross)
        if date.fromisoformat(row["settlement_date"]) > due:
            found.late.add(order)
        settled += gross
        fee += cents(row["fee_amount"])
    if abs(settled - expected) > tolerances.gross_tolerance:
        found.gross[order] = settled - expected
    if plan is not None and abs(fee - plan.fee(expected)) > plan.fee_tolerance:
        found.fee[order] = fee - plan.fee(expected)


def two_business_days_after(day: date) -> date:
    """Two working days on, where a weekend's sale counts from the Monday after it."""
    moves = {0: 2, 1: 2, 2: 2, 3: 4, 4: 4, 5: 4, 6: 3}
    return day + timedelta(days=moves[day.weekday()])


def cents(amount: str) -> int:
    """Exact; an amount with a fraction of a cent is an error."""
    exact = Decimal(amount) * CENTS_PER_UNIT
    if exact != exact.to_integral_value():
        raise ValueError(f"{amount} has a fraction of a cent")
    return int(exact)


def round_half_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def net_by_batch(folder: Path) -> dict[tuple[str, str], int]:
    """(settlement id, currency) -> Σ net in cents: what `transit` must hold for each batch."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in acquirer_rows(folder):
        sums[row["settlement_id"], row["currency"]] += cents(row["net_amount"])
    return dict(sums)
