"""Exact money: ISO exponents, conversion at the edges, rounding once, splits that lose nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.configuration import FeePlan, Platform, PspConfiguration
from app.domain.fees import fees_of, plan_fee
from app.domain.fields import MAX_AMOUNT
from app.domain.merchant import DEFAULT_PLATFORM, Merchant
from app.domain.money import (
    EXPONENTS,
    MoneyError,
    check_currency,
    minor_units,
    percentage,
    round_half_up,
    split,
)
from tests.support.domain import record
from tests.support.fixtures import shared_fixture
from tests.support.properties import QUICK

AMOUNTS = st.integers(1, MAX_AMOUNT)
SINCE_THE_LIST = {"XCG"}
"""Codes that were added after the list of 2024-06-25."""


def test_exponents_are_those_of_iso_4217() -> None:
    tree = ElementTree.parse(shared_fixture("currency", "currency-codes__table_a1.xml"))
    listed = {entry.findtext("Ccy"): entry.findtext("CcyMnrUnts", "") for entry in tree.iter("CcyNtry")}
    exponents = {code: int(digits) for code, digits in listed.items() if code and digits.isdigit()}
    assert len(exponents) > 150
    assert {code: digits for code, digits in EXPONENTS.items() if code not in SINCE_THE_LIST} == exponents


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("80", "JPY", 80),
        ("8000", "JPY", 8000),
        ("12.345", "KWD", 12345),
        ("0.001", "BHD", 1),
        ("123.45", "EUR", 12345),
        ("123.4", "EUR", 12340),
        ("-0.01", "EUR", -1),
        ("1E+2", "EUR", 10000),
        ("1.2345", "CLF", 12345),
    ],
)
def test_row_8_golden_amounts(text: str, currency: str, minor: int) -> None:
    """¥80 must not be charged as ¥8000."""
    assert minor_units(Decimal(text), currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("80.5", "JPY"), ("1.0001", "KWD"), ("0.005", "EUR"), ("NaN", "EUR"), ("Infinity", "EUR")],
)
def test_more_digits_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(MoneyError, match=currency):
        minor_units(Decimal(text), currency)


@pytest.mark.parametrize("code", ["", "eur", "EURO", "XXX", "XAU", "ZZZ"])
def test_only_iso_currencies_with_a_minor_unit(code: str) -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        check_currency(code)


def test_a_record_with_a_wrong_currency_does_not_decode() -> None:
    with pytest.raises(msgspec.ValidationError, match="'eur' is not an ISO 4217 currency"):
        record(
            type="payment.record",
            id="c1",
            merchant_id="m-1",
            payment_id="p",
            amount=1,
            currency="eur",
            psp="s",
            psp_payment_id="x",
            occurred_at="2026-01-01T00:00:00Z",
        )


@QUICK
@given(st.integers(-(10**20), 10**20), st.integers(1, 10**9))
def test_rounding_is_half_away_from_zero(numerator: int, denominator: int) -> None:
    rounded = round_half_up(numerator, denominator)
    error = abs(Fraction(numerator, denominator) - rounded)
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert abs(rounded) > abs(Fraction(numerator, denominator))


@QUICK
@given(st.integers(0, MAX_AMOUNT), st.lists(st.integers(0, 10_000), min_size=1, max_size=12))
def test_row_7_parts_of_a_split_sum_to_the_whole(total: int, weights: list[int]) -> None:
    """A percent split that does not sum to the total."""
    if not any(weights):
        with pytest.raises(MoneyError):
            split(total, weights)
        return
    parts = split(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(total * weight, whole) - part) < 1
        assert part == 0 or weight > 0


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [1, 1], [1, 0]),
        (100, [60, 40], [60, 40]),
        (10, [0, 3, 3, 3], [0, 4, 3, 3]),
    ],
)
def test_splits_by_largest_remainder(total: int, weights: list[int], parts: list[int]) -> None:
    assert split(total, weights) == parts


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, []), (1, [0]), (1, [2, -1])])
def test_a_split_of_nothing_is_refused(total: int, weights: list[int]) -> None:
    with pytest.raises((MoneyError, ValueError)):
        split(total, weights)


PLANS = st.builds(
    FeePlan, bps=st.integers(0, 10_000), fixed=st.just({}) | st.builds(dict, EUR=st.integers(0, 10**6))
)


@QUICK
@given(AMOUNTS, PLANS, PLANS, st.sampled_from(["merchant", "platform"]))
def test_fees_leave_the_merchant_nothing_less_than_nothing(
    amount: int, plan: FeePlan, psp_plan: FeePlan, payer: str
) -> None:
    psps = {"s": PspConfiguration(fee_plan=psp_plan, fee_payer=payer)}
    platform: Platform = msgspec.structs.replace(DEFAULT_PLATFORM, psps=psps)
    fees = fees_of(platform, Merchant(merchant_id="m", fee_plan=plan), "s", amount, "EUR")
    assert fees.psp == plan_fee(psp_plan, amount, "EUR")
    assert fees.platform == min(amount, plan_fee(plan, amount, "EUR"))
    assert 0 <= fees.merchant_psp <= fees.psp
    assert fees.platform + fees.merchant_psp <= amount
    assert payer == "merchant" or fees.merchant_psp == 0


@pytest.mark.parametrize(
    ("amount", "bps", "fee"), [(20, 250, 1), (19, 250, 0), (12345, 290, 358), (1, 5000, 1), (1, 4999, 0)]
)
def test_a_percentage_is_rounded_half_up_once(amount: int, bps: int, fee: int) -> None:
    assert percentage(amount, bps) == fee
