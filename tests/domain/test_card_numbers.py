"""Card numbers are found however they are written; what merely looks like one is left alone."""

from __future__ import annotations

import random
import uuid

import pytest

from app.domain.card_numbers import holds_card_number, passes_luhn

KNOWN = (
    "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005",
    "30569309025904", "6011111111111117", "3530111333300000", "6304000000000000", "4000000000000000006",
)  # fmt: skip


@pytest.mark.parametrize("number", KNOWN)
def test_the_schemes_own_test_numbers(number: str) -> None:
    for text in (
        number,
        f"card {number}.",
        f"pan{number}",
        f"card_{number}",
        f"pay\n{number}\n",
        f"<{number}>",
    ):
        assert holds_card_number(text), text


@pytest.mark.parametrize("gap", [" ", "-", ".", "\u00a0"])
def test_as_it_is_printed(gap: str) -> None:
    for groups in (("4111", "1111", "1111", "1111"), ("3782", "822463", "10005"), ("3056", "930902", "5904")):
        assert holds_card_number(f"no. {gap.join(groups)}, exp 12/30")


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112", "411111111111", "41111111111111111111", "1763740000000000", "", "m-1",
        "4111 1111", "**** **** **** 1111", "411111******1111", "4111-11111111-1111", "0000000000000000",
        "1f4111111111111111aa00bb", "12.345.678",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not holds_card_number(text)


def test_no_random_id_is_taken_for_one() -> None:
    chance = random.Random(7)
    for _ in range(100_000):
        bits = chance.getrandbits(128)
        assert not holds_card_number(str(uuid.UUID(int=bits, version=4)))
        assert not holds_card_number(f"rq_{bits:032x}")


def test_luhn_finds_every_single_wrong_digit() -> None:
    number = KNOWN[0]
    for place in range(len(number)):
        for digit in "0123456789":
            changed = number[:place] + digit + number[place + 1 :]
            assert passes_luhn(changed) == (changed == number)
