"""Minor units for people, exactly; durations and words of the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.accounts import NORMAL_SIDE
from app.domain.money import EXPONENTS
from web.comparison import flatten
from web.money import GROUP, MINUS, format_minor
from web.render import rate, span
from web.views import KIND_NAMES, words_of


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (12345, "EUR", "123.45"),
        (5, "EUR", "0.05"),
        (-5, "EUR", f"{MINUS}0.05"),
        (0, "EUR", "0.00"),
        (8000, "JPY", f"8{GROUP}000"),
        (1234567, "KWD", f"1{GROUP}234.567"),
        (12345, "CLF", "1.2345"),
        (10**15, "USD", f"10{GROUP}000{GROUP}000{GROUP}000{GROUP}000.00"),
        (9007199254740993, "EUR", f"90{GROUP}071{GROUP}992{GROUP}547{GROUP}409.93"),
        (None, "EUR", "–"),
        (1234, None, f"1{GROUP}234"),
    ],
)
def test_amounts(amount: int | None, currency: str | None, text: str) -> None:
    assert format_minor(amount, currency) == text


@given(st.integers(-(10**30), 10**30), st.sampled_from(sorted(EXPONENTS)))
def test_no_digit_is_ever_lost(amount: int, currency: str) -> None:
    text = format_minor(amount, currency)
    digits = text.replace(GROUP, "").replace(MINUS, "-").replace(".", "")
    assert int(digits) == amount
    assert len(text.partition(".")[2]) == EXPONENTS[currency]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (-1, "0.0 s"), (0.44, "0.4 s"), (9.96, "10 s"), (90, "90 s"),
     (120, "2 min"), (7500, "2 h 05"),
     (48 * 3600 + 1, "2 d")],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert span(seconds) == text


def test_every_kind_of_account_has_a_name() -> None:
    assert KIND_NAMES.keys() == NORMAL_SIDE.keys()


def test_rates_and_words() -> None:
    assert [rate(value) for value in (None, 0.0, 0.4, 12.6)] == ["–", "0", "0.4", "13"]
    assert [words_of(code) for code in ("AMOUNT_UNDER", "FX_VARIANCE")] == ["Amount under", "FX variance"]
    assert list(flatten({"a": {"b": [1, {"c": None}]}, "d": []})) == [
        ("a.b 1", "1"),
        ("a.b 2.c", "–"),
        ("d", "–"),
    ]
