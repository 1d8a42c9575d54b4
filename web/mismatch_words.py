"""A mismatch in one sentence, and rules by their names: what finance reads before any table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.store.web_figures import MismatchRow
from web.money import format_minor

SENTENCES: Final[Mapping[str, str]] = {
    "MISSING_SETTLEMENT": "{expected} should have been settled, and no settlement line has come.",
    "MISSING_PAYMENT": "{actual} came, and nobody announced a payment for it.",
    "MISSING_BANK": "A settlement of {expected} has not reached the bank.",
    "UNEXPECTED_BANK": "{actual} is on the bank account, and nothing explains it.",
    "AMOUNT_OVER": "{actual} came instead of {expected}: {difference} too much.",
    "AMOUNT_UNDER": "{actual} came instead of {expected}: {difference} too little.",
    "FEE_VARIANCE": "The fee is {actual} instead of {expected}.",
    "CURRENCY_MISMATCH": "The two sides are in different currencies.",
    "FX_VARIANCE": "At the locked rate {expected} was expected; {actual} came.",
    "DUPLICATE_SETTLEMENT": "{actual} was settled once more for the same object.",
    "DUPLICATE_PAYMENT": "A payment of {actual} looks like one that had already been made.",
    "STATUS_MISMATCH": "The two sides do not agree on what happened.",
    "DIRECTION_MISMATCH": "The money went the other way.",
    "SPLIT_MISMATCH": "The parts do not add up to the whole.",
    "PARTIAL_SETTLEMENT": "{actual} of {expected} has been settled so far.",
    "BATCH_TRAILER_MISMATCH": "The file's own totals do not agree with its lines.",
    "BATCH_RESIDUAL": "{difference} of the batch is left unexplained.",
    "AMBIGUOUS": "Several records fit equally well: a person has to choose.",
    "LATE": "It was settled after the day on which it was due.",
    "REFUND_EXCEEDS_CAPTURE": "{actual} was refunded or disputed, but only {expected} was captured.",
    "DISPUTE_UNMATCHED": "A dispute over {either} has no counterpart.",
    "INVOICE_UNPAID": "An invoice over {expected} is overdue.",
    "NEGATIVE_BALANCE": "The merchant's balance is below its limit.",
}
RULES: Final[Mapping[str, str]] = {
    "A1": "the same identity, whatever the amounts",
    "A2": "no shared identity; the only candidate when the window closed",
    "A3": "no shared identity; several candidates or weak evidence",
    "B1": "the batch's id in the remittance text",
    "B2": "no shared identity; the only candidate when the window closed",
    "B3": "several batches that add up to the line",
    "C1": "the payout's identity on the bank's debit",
}


def summary_of(row: MismatchRow) -> str:
    """One sentence with its figures."""
    expected, actual = row.expected_amount, row.actual_amount
    difference = None if expected is None or actual is None else abs(actual - expected)
    amounts = {"expected": expected, "actual": actual, "difference": difference}
    amounts["either"] = actual if expected is None else expected
    sentence = SENTENCES.get(row.category, "Expected {expected}, actual {actual}.")
    return sentence.format(**{name: _money(amount, row.currency) for name, amount in amounts.items()})


def rule_of(explanation: Mapping[str, Any]) -> str:
    """`A1, version 1: the same identity, whatever the amounts`; a rule without a number speaks for itself."""
    rule = explanation.get("rule")
    if rule is None:
        return "not stored"
    parts = [str(rule)]
    if (version := explanation.get("rule_version")) is not None:
        parts.append(f"version {version}")
    if (configuration := explanation.get("configuration_version")) is not None:
        parts.append(f"configuration {configuration}")
    meaning = RULES.get(str(rule))
    return ", ".join(parts) + (f": {meaning}" if meaning else "")


def _money(amount: int | None, currency: str | None) -> str:
    return (
        "an unknown amount"
        if amount is None
        else f"{format_minor(amount, currency)} {currency or ''}".strip()
    )
