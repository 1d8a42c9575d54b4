"""Leg C's judgement: what a payout and its bank lines say against each other, a function of the facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from app.domain.bank_payouts import BankPayout, booked, expected_amount
from app.domain.banking import BankLineRecorded
from app.domain.mismatch import Category
from app.domain.payout_records import PayoutAnnounced

RULE_VERSION: Final = 1
HARMLESS: Final[frozenset[str]] = frozenset({"LATE"})
"""What does not keep a payout from being confirmed."""


class PayoutFinding(NamedTuple):
    """`about`: `` for the payout's debit, `return` for its way back, else a line id."""

    category: Category
    about: str
    currency: str
    expected_amount: int | None
    actual_amount: int | None
    differences: dict[str, Any]
    reason: str

    @property
    def key(self) -> str:
        return f"{self.category}/{self.about}" if self.about else self.category


class Sides(NamedTuple):
    """A payout's lines: in its currency out of and into the account, and in others."""

    debits: tuple[BankLineRecorded, ...]
    credits: tuple[BankLineRecorded, ...]
    foreign: tuple[BankLineRecorded, ...]


def sides(record: PayoutAnnounced, lines: Sequence[BankLineRecorded]) -> Sides:
    ordered = sorted(lines, key=lambda line: (line.value_date, line.line_id))
    own = [line for line in ordered if line.currency == record.currency]
    return Sides(
        tuple([line for line in own if line.amount < 0]),
        tuple([line for line in own if line.amount > 0]),
        tuple([line for line in ordered if line.currency != record.currency]),
    )


def judge_payout(
    payout: BankPayout, lines: Sequence[BankLineRecorded], tolerance: int, due_on: date
) -> list[PayoutFinding]:
    """`due_on`: the last value date that is not late."""
    own = sides(payout.record, lines)
    found = [*_foreign(payout, own), *_out(payout, own, tolerance), *_back(payout, own, tolerance)]
    return [*found, *_late(payout, own, due_on)]


def _foreign(payout: BankPayout, own: Sides) -> Iterator[PayoutFinding]:
    record = payout.record
    for line in own.foreign:
        differences = {"currency": {"expected": record.currency, "actual": line.currency}}
        reason = f"line {line.line_id} is in {line.currency}, the payout in {record.currency}"
        yield PayoutFinding(
            "CURRENCY_MISMATCH",
            line.line_id,
            line.currency,
            expected_amount(record),
            line.amount,
            differences,
            reason,
        )


def _out(payout: BankPayout, own: Sides, tolerance: int) -> Iterator[PayoutFinding]:
    """Its way out of the account."""
    record, expected = payout.record, expected_amount(payout.record)
    if not own.debits:
        if payout.closed and expected and not own.foreign and not _turned(own, record):
            yield _missing(payout, "", expected)
        return
    total = sum(line.amount for line in own.debits)
    if "paid" not in record.facts:
        if payout.closed:
            state = "failed" if "failed" in record.facts else "was never paid"
            reason = f"the bank shows {-total} going out, by our books the payout {state}"
            yield PayoutFinding("STATUS_MISMATCH", "", record.currency, 0, total, {}, reason)
        return
    yield from _amount(payout, "", -booked(record).debit, total, tolerance)


def _back(payout: BankPayout, own: Sides, tolerance: int) -> Iterator[PayoutFinding]:
    """Its way back, where it was returned."""
    record = payout.record
    returned = "returned" in record.facts
    if not own.credits:
        if returned and payout.closed:
            yield _missing(payout, "return", record.amount)
        return
    total = sum(line.amount for line in own.credits)
    if returned:
        yield from _amount(payout, "return", record.amount, total, tolerance)
    elif _turned(own, record):
        reason = f"the bank shows {total} coming in where the payout goes out"
        differences = {"direction": {"expected": "debit", "actual": "credit"}}
        expected = expected_amount(record)
        yield PayoutFinding("DIRECTION_MISMATCH", "", record.currency, expected, total, differences, reason)
    elif payout.closed:
        reason = f"the bank shows {total} coming back, by our books the payout was not returned"
        yield PayoutFinding("STATUS_MISMATCH", "return", record.currency, 0, total, {}, reason)


def _turned(own: Sides, record: PayoutAnnounced) -> bool:
    """Money came in, none went out, and nothing was returned."""
    return bool(own.credits) and not own.debits and "returned" not in record.facts


def _missing(payout: BankPayout, about: str, expected: int) -> PayoutFinding:
    reason = "no bank line came for it before its window closed"
    if payout.verdict is not None and payout.verdict.candidates:
        reason += f"; one of {', '.join(payout.verdict.candidates)} may be it: a person has to decide"
    return PayoutFinding("MISSING_BANK", about, payout.record.currency, expected, None, {}, reason)


def _amount(
    payout: BankPayout, about: str, expected: int, total: int, tolerance: int
) -> Iterator[PayoutFinding]:
    """More or less than our books have. While the window is open, less may be a part."""
    beyond = abs(total) - abs(expected)
    if abs(beyond) <= tolerance:
        return
    category: Category = "AMOUNT_OVER" if beyond > 0 else "AMOUNT_UNDER"
    if beyond < 0 and not payout.closed:
        category = "PARTIAL_SETTLEMENT"
    differences = {
        "amount": {
            "expected": expected,
            "actual": total,
            "difference": total - expected,
            "tolerance": tolerance,
        }
    }
    reason = f"the bank shows {total}, our books {expected}"
    yield PayoutFinding(category, about, payout.record.currency, expected, total, differences, reason)


def _late(payout: BankPayout, own: Sides, due_on: date) -> Iterator[PayoutFinding]:
    late = [line for line in own.debits if line.value_date > due_on]
    if not late or not expected_amount(payout.record):
        return
    line = late[-1]
    differences = {"value_date": {"expected": due_on.isoformat(), "actual": line.value_date.isoformat()}}
    total = sum(one.amount for one in late)
    reason = f"line {line.line_id} has the value date {line.value_date}, expected by {due_on}"
    yield PayoutFinding("LATE", "", payout.record.currency, total, total, differences, reason)
