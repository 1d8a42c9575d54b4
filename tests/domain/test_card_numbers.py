"""Card numbers: the schemes' test numbers are found however they are written; other texts are let be."""

from __future__ import annotations

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.card_numbers import MASK, holds_card_number, is_card_number, mask_card_numbers
from tests.support.properties import QUICK

NUMBERS = [
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "6011111111111117",
    "6205500000000000004",
    "4222222222222",
    "501800000009",
]
OTHERS = [
    "",
    "4242424242424241",
    "pm_1NXhyz2eZvKYlo2C",
    "42424242424",
    "42424242424242424242",
    "tok_visa",
    "8-8",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_all_lengths_are_known(number: str) -> None:
    assert is_card_number(number)
    assert holds_card_number(f"order for {number}, thanks") == (len(number) > 12)
    assert mask_card_numbers(f"card {number}.") == f"card {MASK}."


@pytest.mark.parametrize(
    "written",
    [
        "4242 4242 4242 4242",
        " 4242-4242-4242-4242\n",
        "4242.4242.4242.4242",
        "４２４２４２４２４２４２４２４２",
        "4242\xa0424242424242",
    ],
)
def test_however_they_are_written(written: str) -> None:
    assert is_card_number(written)


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_let_be(text: str) -> None:
    assert not is_card_number(text)
    assert not holds_card_number(text)
    assert mask_card_numbers(text) == text


@pytest.mark.parametrize("gap", [" ", "-", ".", "\u00a0"])
def test_as_printed_within_a_text(gap: str) -> None:
    for groups in (("4111", "1111", "1111", "1111"), ("3782", "822463", "10005"), ("3056", "930902", "5904")):
        assert holds_card_number(f"no. {gap.join(groups)}, exp 12/30")


@pytest.mark.parametrize("text", ["pan4111111111111111", "card_4111111111111111", "<4111111111111111>"])
def test_beside_letters(text: str) -> None:
    assert holds_card_number(text)


def test_no_random_id_and_no_time_is_taken_for_one() -> None:
    chance = random.Random(7)
    for number in range(50_000):
        bits = chance.getrandbits(128)
        assert not holds_card_number(str(uuid.UUID(int=bits, version=4)))
        assert not holds_card_number(f"rq_{bits:032x}")
        assert not holds_card_number(f"o-{1_763_740_000_000 + number}")


def test_a_number_within_a_text_is_not_the_whole_text() -> None:
    assert not is_card_number("pm 4242424242424242")


@QUICK
@given(st.integers(10**10, 10**17), st.integers(1, 9))
def test_one_digit_changed_is_no_card_number(start: int, step: int) -> None:
    """Luhn finds every single wrong digit, so of the ten last digits exactly one is right."""
    passing = [last for last in range(10) if is_card_number(f"{start}{last}")]
    assert len(passing) == 1
    assert not is_card_number(f"{start}{(passing[0] + step) % 10}")
