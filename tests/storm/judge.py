"""The PSP's books against ours, payment by payment and to the unit; and what the API promised."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final, NamedTuple

import msgspec

from tests.storm.customers import Ledger

FINAL: Final = frozenset({"captured", "voided", "failed", "expired"})
WAITS: Final = {"authorized": "capture or void", "requires_action": "the payer", "created": "the payer"}
"""Explained: what the payment waits for. A `created` one has a page that its payer has left."""
PAYMENTS: Final = "SELECT id, status, captured_amount, refunded_amount, currency, state FROM payments"
RECEIVABLE: Final = """
SELECT currency, sum(balance)::bigint AS balance FROM accounts
 WHERE account = 'psp_recv:sandbox' GROUP BY currency"""
PAYOUTS: Final = "SELECT id, status, amount FROM payouts"
OPEN_EFFECTS: Final = "SELECT id, target, status, reason, state FROM effects WHERE status <> 'done'"
Parts = dict[str, int]
"""The PSP's id of a capture or refund -> amount, minor units."""


class Sums(NamedTuple):
    """Of one payment."""

    captures: Parts
    refunds: Parts


class Verdict(NamedTuple):
    problems: list[str]
    figures: dict[str, int]


async def judge(pool: Any, psp_books: dict[str, Any], ledger: Ledger) -> Verdict:
    """Everything that differs, named."""
    rows = {row["id"]: row for row in await pool.fetch(PAYMENTS)}
    ours = {name: _ours(row["state"]) for name, row in rows.items()}
    theirs = _theirs(psp_books)
    problems = [*_differences(ours, theirs), *_not_final(rows), *_promises(ours, ledger)]
    problems += [*await _receivable(pool, theirs, psp_books), *await _effects(pool)]
    problems += await _payouts(pool, psp_books, ledger)
    return Verdict(problems, _figures(rows, theirs, ledger))


def _ours(state: str) -> Sums:
    payment = msgspec.json.decode(state) if isinstance(state, str | bytes) else state
    captures = {each["psp_capture_id"]: each["amount"] for each in payment.get("captures", {}).values()}
    refunds = {
        each.get("psp_refund_id") or f"ours {name}": each["amount"]
        for name, each in payment.get("refunds", {}).items()
        if not each.get("failed")
    }
    return Sums(captures, refunds)


def _theirs(books: dict[str, Any]) -> dict[str, Sums]:
    """Our payment id -> what the PSP has done for it; one payment may have had several charges."""
    payment_of = {charge["id"]: charge["metadata"]["payment_id"] for charge in books["charges"]}
    found: defaultdict[str, Sums] = defaultdict(lambda: Sums({}, {}))
    for each in books["captures"]:
        found[payment_of[each["charge"]]].captures[each["id"]] = each["amount"]
    for each in books["refunds"]:
        if each["status"] == "succeeded":
            found[payment_of[each["charge"]]].refunds[each["id"]] = each["amount"]
    return dict(found)


def _differences(ours: dict[str, Sums], theirs: dict[str, Sums]) -> list[str]:
    problems = []
    for name in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(name, Sums({}, {})), theirs.get(name, Sums({}, {}))
        if one != other:
            problems.append(f"{name}: our books {one}, the PSP's {other}")
    return problems


def _not_final(rows: dict[str, Any]) -> list[str]:
    """No effect is open any more, so nothing may be under way; a `created` one must have its page."""
    problems = []
    for name, row in rows.items():
        asked = msgspec.json.decode(row["state"]).get("asked", {})
        pages = [each for each in asked.values() if each["operation"] == "session" and each.get("url")]
        explained = row["status"] in WAITS and (row["status"] != "created" or pages)
        if row["status"] not in FINAL and not explained:
            problems.append(f"{name} ended as {row['status']}: {asked}")
    return problems


def _promises(ours: dict[str, Sums], ledger: Ledger) -> list[str]:
    problems = [f"{name} was accepted and is not there" for name in ledger.payments if name not in ours]
    for name, amount in ledger.payments.items():
        sums = ours.get(name, Sums({}, {}))
        captured, refunded = sum(sums.captures.values()), sum(sums.refunds.values())
        if captured > amount:
            problems.append(f"{name}: {captured} captured of {amount}")
        if refunded > captured:
            problems.append(f"{name}: {refunded} refunded of {captured}")
        if sum(ledger.refunds[name].values()) > amount:
            problems.append(f"{name}: the API accepted refunds of more than {amount}")
        if sum(ledger.captures[name].values()) > amount:
            problems.append(f"{name}: the API accepted captures of more than {amount}")
    return problems


async def _receivable(pool: Any, theirs: dict[str, Sums], books: dict[str, Any]) -> list[str]:
    """Σ captures - Σ refunds per currency, at the PSP, is what it owes us in our books."""
    currency_of = {each["metadata"]["payment_id"]: each["currency"] for each in books["charges"]}
    owed: defaultdict[str, int] = defaultdict(int)
    for name, sums in theirs.items():
        owed[currency_of[name]] += sum(sums.captures.values()) - sum(sums.refunds.values())
    booked = {row["currency"]: row["balance"] for row in await pool.fetch(RECEIVABLE)}
    currencies = owed.keys() | booked.keys()
    return [
        f"{currency}: the PSP owes {owed.get(currency, 0)}, psp_recv says {booked.get(currency, 0)}"
        for currency in sorted(currencies)
        if owed.get(currency, 0) != booked.get(currency, 0)
    ]


async def _payouts(pool: Any, books: dict[str, Any], ledger: Ledger) -> list[str]:
    """Both sides have the same ones, with the same end; what the API accepted is among them."""
    theirs = {each["metadata"]["payout_id"]: (each["status"], each["amount"]) for each in books["payouts"]}
    ours = {row["id"]: (row["status"], row["amount"]) for row in await pool.fetch(PAYOUTS)}
    return [
        f"payout {name}: ours {ours.get(name)}, the PSP's {theirs.get(name)}"
        for name in sorted(ours.keys() | theirs.keys() | ledger.payouts.keys())
        if ours.get(name) != theirs.get(name) or name not in ours
    ]


async def _effects(pool: Any) -> list[str]:
    """Whatever is not done, with what was asked and why it was not done."""
    problems = []
    for row in await pool.fetch(OPEN_EFFECTS):
        work = msgspec.json.decode(row["state"])["work"]
        asked = f"{work.get('operation')} {work.get('object_id')}"
        problems.append(f"effect {row['id']} ({asked}) is {row['status']}: {row['reason']}")
    return problems


def _figures(rows: dict[str, Any], theirs: dict[str, Sums], ledger: Ledger) -> dict[str, int]:
    figures: defaultdict[str, int] = defaultdict(int)
    for row in rows.values():
        figures[row["status"]] += 1
    figures["captures at the PSP"] = sum(len(each.captures) for each in theirs.values())
    figures["refunds at the PSP"] = sum(len(each.refunds) for each in theirs.values())
    for code, count in sorted(ledger.refused.items()):
        figures[f"refused {code}"] = count
    return dict(figures)
