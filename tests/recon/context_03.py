"""The marketplace's set: orders are our side, the gateway's transactions settle them, refunds are ours.

A disputed order is a payment and a dispute: the same file is read by two sources. A gateway's transaction
that failed moved no money and is ignored. `payouts` is leg B: the gateway settles each order as a batch of
its own and pays sellers several of them at once, so a seller's payout is a bank line that names its batches.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from app.domain.payment import Payment
from tests.recon.playing import paired_lines, platform_of, played, records_of
from tests.recon.scoring import AMOUNT, PAIRED, Labelled, Scored
from tests.support.all_lanes import AllLanes
from tests.support.recon_labels import outcomes

FOLDER: Final = ("recon", "context-03-marketplace-payouts")
PSP: Final = "gateway-c03"
NOT_CAPTURED: Final = "not captured"
IN_DISPUTE: Final = "in dispute"
NO_MONEY: Final = "ignored: no money moved"
REFUND_NOT_SETTLED: Final = "refunded, not settled"

PLATFORM: Final = """
[psps.gateway-c03]
fee_plan = { bps = 290, fixed = { BRL = 63, USD = 63, EUR = 63 } }
fee_tolerance = 20
gross_tolerance = 5
match_by_amount = false

[sources.orders-c03]
psp = "gateway-c03"
[sources.orders-c03.file]
holds = "payments"
format = "csv"
[sources.orders-c03.file.fields]
line_id = "order_id"
merchant_id = "seller_id"
payment_id = "order_id"
order_ref = "order_id"
amount = "gross_amount"
currency = "currency"
occurred_at = "order_date"
[[sources.orders-c03.file.rows]]
when = [{ column = "status", equals = ["pending"] }]
type = "payment.authorized"
[[sources.orders-c03.file.rows]]
type = "payment.record"

[sources.disputes-c03]
psp = "gateway-c03"
[sources.disputes-c03.file]
holds = "payments"
format = "csv"
[sources.disputes-c03.file.fields]
line_id = "order_id"
merchant_id = "seller_id"
payment_id = "order_id"
dispute_id = "order_id"
amount = "gross_amount"
currency = "currency"
occurred_at = "order_date"
[[sources.disputes-c03.file.rows]]
when = [{ column = "status", equals = ["disputed"] }]
type = "dispute.opened"
[[sources.disputes-c03.file.rows]]
ignore = "not in dispute"

[sources.gateway-c03]
psp = "gateway-c03"
[sources.gateway-c03.file]
holds = "settlement"
format = "json"
[sources.gateway-c03.file.fields]
batch_id = "order_id"
line_id = "gateway_tx_id"
merchant_ref = "order_id"
currency = "currency"
gross = "gross_amount"
fee = "fee_amount"
net = "net_amount"
booked_on = "captured_at"
[[sources.gateway-c03.file.rows]]
when = [{ column = "status", equals = ["failed"] }]
ignore = "no money moved"
[[sources.gateway-c03.file.rows]]
kind = "capture"

[sources.refunds-c03]
psp = "gateway-c03"
[sources.refunds-c03.file]
holds = "payments"
format = "csv"
[sources.refunds-c03.file.fields]
line_id = "refund_id"
merchant_id = "seller_id"
payment_id = "order_id"
refund_id = "refund_id"
amount = "amount"
currency = "currency"
occurred_at = "refunded_at"
[[sources.refunds-c03.file.rows]]
type = "refund.record"
"""
FILES: Final = {
    "orders-c03": "matcher__orders.csv",
    "disputes-c03": "matcher__orders.csv",
    "gateway-c03": "matcher__gateway-transactions.json",
    "refunds-c03": "matcher__refunds.csv",
}
GROSS_TOLERANCE: Final = 5
PAYOUT_TOLERANCE: Final = 99 + GROSS_TOLERANCE
"""Minor units: what the gateway keeps of every payout to a seller, and the tolerance of its gross."""
PAYOUTS: Final = """
[sources.payouts-c03]
settles_to = "sellers"
[sources.payouts-c03.file]
holds = "bank"
format = "csv"
[sources.payouts-c03.file.fields]
account = { const = "sellers" }
line_id = "payout_id"
amount = "amount"
currency = "currency"
value_date = "payout_date"
remittance = "included_order_ids"
"""
PAYOUT_FILE: Final = "matcher__seller-payouts.csv"

TRUTH: Final[Mapping[str, str]] = {
    "order_gateway_payout_candidate": PAIRED,
    "order_has_refund": PAIRED,
    "order_needs_review": IN_DISPUTE,
    "order_not_captured_yet": NOT_CAPTURED,
    "gateway_matches_order": PAIRED,
    "gateway_amount_tolerance_candidate": PAIRED,
    "gateway_refunded": PAIRED,
    "gateway_amount_mismatch": AMOUNT,
    "gateway_failed_no_payout": NO_MONEY,
    "gateway_only_unmatched": "MISSING_PAYMENT",
    "refund_links_to_gateway_and_order": REFUND_NOT_SETTLED,
    "refund_only_unmatched": "MISSING_PAYMENT",
    "aggregate_payout_many_orders": PAIRED,
    "partial_payout_candidate": AMOUNT,
    "refund_adjusted_payout": AMOUNT,
    "payout_only_unmatched": "UNEXPECTED_BANK",
}
"""`refunded, not settled`: the refund has found its order; the gateway's file holds no refunds at all."""


def main(folder: Path, seed: int | None = None) -> tuple[AllLanes, Scored]:
    """Orders against the gateway's transactions, and refunds against orders."""
    platform = platform_of(PLATFORM)
    lanes = played(platform, records_of(folder, FILES, platform), seed)
    rows = labelled(folder)
    found = _outcomes(lanes, rows)
    return lanes, Scored(rows, found, TRUTH, _Why(folder).why)


def payouts(folder: Path, seed: int | None = None) -> tuple[AllLanes, Scored]:
    """What sellers were paid against what the gateway settled for their orders."""
    gateway = '[sources.gateway-c03]\npsp = "gateway-c03"\n'
    leg_b = f'settles_to = "sellers"\nbank_tolerance = {PAYOUT_TOLERANCE}\n'
    platform = platform_of(PLATFORM.replace(gateway, gateway + leg_b) + PAYOUTS)
    lanes = played(platform, records_of(folder, FILES | {"payouts-c03": PAYOUT_FILE}, platform), seed)
    rows = [
        Labelled(row["payout_id"], row["scenario"], row["included_order_ids"], "payouts")
        for row in _rows(folder / PAYOUT_FILE)
    ]
    told: dict[str, set[str]] = {row.name: set() for row in rows}
    for mismatch in lanes.open():
        for line in mismatch.explanation["inputs"]["bank_lines"] if mismatch.leg == "B" else ():
            told[line["line_id"]].add(mismatch.category)
    found = {name: "+".join(sorted(categories)) or PAIRED for name, categories in told.items()}
    return lanes, Scored(rows, found, TRUTH, _PayoutWhy(folder).why)


def labelled(folder: Path) -> list[Labelled]:
    """Every row of the three files."""
    found = [
        Labelled(f"order/{row['order_id']}", row["scenario"], row["order_id"], "orders")
        for row in _rows(folder / FILES["orders-c03"])
    ]
    found += [
        Labelled(f"{PSP}/{row['gateway_tx_id']}", row["scenario"], row["order_id"], "gateway")
        for row in _gateway(folder)
    ]
    return found + [
        Labelled(f"refund/{row['refund_id']}", row["scenario"], row["order_id"], "refunds")
        for row in _rows(folder / FILES["refunds-c03"])
    ]


def _outcomes(lanes: AllLanes, rows: Iterable[Labelled]) -> dict[str, str]:
    captures = [found for found in lanes.open() if found.leg == "A" and _kind(found.explanation) == "capture"]
    told = outcomes(captures, paired_lines(lanes))
    payments = {payment.id: payment for payment in lanes.values("payment")}
    return {row.name: _outcome(row, told, payments.get(row.order)) for row in rows}


def _kind(explanation: Mapping[str, Any]) -> str:
    return str(explanation["identity"]["kind"])


def _outcome(row: Labelled, told: Mapping[str, str], payment: Payment | None) -> str:
    if row.file == "gateway":
        outcome = told.get(row.name, NO_MONEY)
        return PAIRED if outcome == "matched" else outcome
    if row.file == "refunds":
        refund_id = row.name.removeprefix("refund/")
        known = payment is not None and refund_id in payment.refunds
        return REFUND_NOT_SETTLED if known else "MISSING_PAYMENT"
    assert payment is not None
    if not payment.captures:
        return NOT_CAPTURED
    if payment.dispute_status == "open":
        return IN_DISPUTE
    return told.get(f"capture/{row.order}", PAIRED)


class _Why:
    """What the files themselves say against a label."""

    def __init__(self, folder: Path) -> None:
        self._status = {row["order_id"]: row["status"] for row in _rows(folder / FILES["orders-c03"])}
        self._settled = {row["order_id"] for row in _gateway(folder) if row["status"] != "failed"}

    def why(self, row: Labelled, outcome: str) -> str:
        if row.file == "orders" and outcome == "MISSING_SETTLEMENT" and row.order not in self._settled:
            return "the gateway's file has no such order"
        if outcome == "MISSING_PAYMENT" and self._status.get(row.order) == "pending":
            return "the order is pending in our books: nothing of it was captured"
        return ""


class _PayoutWhy:
    """What in the files keeps a payout from being the sum of what its orders were settled with."""

    def __init__(self, folder: Path) -> None:
        self._gateway = {row["order_id"]: row for row in _gateway(folder)}
        self._orders = {row["order_id"]: row for row in _rows(folder / FILES["orders-c03"])}

    def why(self, row: Labelled, outcome: str) -> str:
        orders = row.order.split("|")
        settled = [self._gateway[order] for order in orders if order in self._gateway]
        if len({one["currency"] for one in settled}) > 1:
            return "it adds up orders of several currencies"
        if any(one["status"] == "failed" for one in settled):
            return "it pays for an order whose capture failed at the gateway"
        if any(self._more_settled(one) for one in settled):
            return "the gateway settled another amount than the order's, which is what was paid out"
        return ""

    def _more_settled(self, one: Mapping[str, str]) -> bool:
        order = self._orders[one["order_id"]]
        difference = Decimal(one["gross_amount"]) - Decimal(order["gross_amount"])
        return abs(difference) * 100 > GROSS_TOLERANCE


def _gateway(folder: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((folder / FILES["gateway-c03"]).read_text(encoding="utf-8"))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
