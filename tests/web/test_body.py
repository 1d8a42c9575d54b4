"""Bodies are read strictly, and a 422 names every field at fault."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from web.body import errors_in, parse
from web.card_numbers import refuse_card_numbers
from web.problems import Problem


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Annotated[int, Meta(ge=1, le=10**15)]
    note: str | None = None


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: Annotated[int, Meta(ge=1, le=10**15)]
    currency: str
    one: Item | None = None
    items: Annotated[tuple[Item, ...], Meta(max_length=2)] = ()


def named(body: dict[str, Any]) -> dict[str, str]:
    return {error.parameter: str(error.pointer) for error in errors_in(body, Order, ())}


RIGHT: dict[str, Any] = {"amount": 5, "currency": "EUR"}


def test_what_is_right_has_no_errors() -> None:
    assert named({**RIGHT, "one": None, "items": [{"amount": 1}]}) == {}


def test_all_errors_are_named_not_the_first_only() -> None:
    body = {"amount": 1.5, "two": 1, "one": {"amount": True, "x/y~": 1}, "items": [{"amount": 1}, {}]}
    assert named(body) == {
        "amount": "#/amount",
        "currency": "#/currency",
        "two": "#/two",
        "one.amount": "#/one/amount",
        "one.x/y~": "#/one/x~1y~0",
        "items[1].amount": "#/items/1/amount",
    }


@pytest.mark.parametrize("amount", [1.0, 12.34, -1, 0, True, "1", None, [], {}, 10**15 + 1, 10**18])
def test_an_amount_is_a_whole_number_in_its_range(amount: Any) -> None:
    assert set(named({**RIGHT, "amount": amount})) == {"amount"}


def test_too_many_items_are_named_as_a_whole() -> None:
    assert named({**RIGHT, "items": [{"amount": 1}] * 3}) == {"items": "#/items"}


@pytest.mark.parametrize("one", [[], "x", 5])
def test_what_should_be_an_object(one: Any) -> None:
    assert named({**RIGHT, "one": one}) == {"one": "#/one"}
    assert [error.pointer for error in errors_in(one, Order, ())] == ["#"]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"{'a': 1}", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a": 1, "a": 2}', b'{"b": {"a": 1, "a": 1}}', b"[" * 30_000, b"9" * 5_000, b"{} {}",
        '{"a": 1}'.encode("utf-16"),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_not_json(raw: bytes) -> None:
    with pytest.raises(Problem) as raised:
        parse(raw)
    assert (raised.value.code, raised.value.status) == ("bad_request", 400)


PAN = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    "value",
    [
        PAN, {"a": PAN}, {PAN: 1}, {"a": [{"b": [f"no. {PAN}!"]}]}, {"a": 4111111111111111},
        {"items": [{"note": PAN}]}, {"amount": PAN},
    ],
)  # fmt: skip
def test_card_numbers_are_found_wherever_they_stand_and_not_repeated(value: Any) -> None:
    with pytest.raises(Problem) as raised:
        refuse_card_numbers(value)
    assert raised.value.code == "card_number_refused"
    assert "1111" not in str(raised.value)


def test_a_large_amount_is_no_card_number() -> None:
    refuse_card_numbers({"amount": 4222222222222, "items": [{"amount": 4222222222222}]})
