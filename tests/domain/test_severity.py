"""Severity: rules as data, first match wins, with reasons; the amount in the book currency."""

from __future__ import annotations

from typing import get_args

import pytest

from app.domain.configuration import BookRates, Rate
from app.domain.mismatch import Category, Severity
from app.domain.severity import DUE_AFTER, RULES, in_book_currency, judge

EUR = BookRates()
RATED = BookRates(
    rates={"JPY": Rate(value=6, scale=3, quote_id="q-1"), "KWD": Rate(value=3, scale=0, quote_id="q-2")}
)


@pytest.mark.parametrize(
    ("category", "amount", "severity"),
    [
        ("AMOUNT_UNDER", 99_999, "LOW"),
        ("AMOUNT_UNDER", 100_000, "MEDIUM"),
        ("AMOUNT_UNDER", -100_000, "MEDIUM"),
        ("AMOUNT_UNDER", 999_999, "MEDIUM"),
        ("AMOUNT_UNDER", 1_000_000, "HIGH"),
        ("AMOUNT_UNDER", 9_999_999, "HIGH"),
        ("AMOUNT_UNDER", 10_000_000, "CRITICAL"),
        ("DUPLICATE_PAYMENT", 1, "CRITICAL"),
        ("INVOICE_UNPAID", 999_999, "MEDIUM"),
        ("INVOICE_UNPAID", 1_000_000, "CRITICAL"),
        ("REFUND_EXCEEDS_CAPTURE", 1, "HIGH"),
        ("UNEXPECTED_BANK", 0, "HIGH"),
        ("NEGATIVE_BALANCE", 1, "HIGH"),
        ("NEGATIVE_BALANCE", 10_000_000, "CRITICAL"),
    ],
)
def test_thresholds(category: Category, amount: int, severity: Severity) -> None:
    judgement = judge(category, amount, "EUR", EUR)
    assert judgement.severity == severity
    assert len(judgement.reasons) == 2


@pytest.mark.parametrize(
    ("amount", "currency", "book"),
    [
        (166_667, "JPY", 100_000),
        (333_333, "KWD", 100_000),
        (333_334, "KWD", 100_000),
        (12_345, "USD", 12_345),
        (12_345, None, 12_345),
    ],
)
def test_amounts_are_compared_in_the_book_currency(amount: int, currency: str | None, book: int) -> None:
    """166,667 JPY at 0.006 are 1,000.00 EUR; 333.333 KWD at 3 are 1,000.00; without a rate: at par."""
    assert in_book_currency(amount, currency, RATED).amount == book


def test_a_missing_rate_is_said() -> None:
    assert "no rate for USD" in judge("LATE", 1, "USD", RATED).reasons[1]
    assert "q-1" in judge("LATE", 1, "JPY", RATED).reasons[1]


@pytest.mark.parametrize("category", get_args(Category))
def test_every_category_has_a_severity_and_a_due_time(category: Category) -> None:
    for amount in (0, 10**6, 10**12):
        assert judge(category, amount, "EUR", EUR).severity in DUE_AFTER


def test_the_last_rule_takes_all() -> None:
    assert RULES[-1].at_least == 0
    assert not RULES[-1].categories
    assert set(DUE_AFTER) == set(get_args(Severity))
