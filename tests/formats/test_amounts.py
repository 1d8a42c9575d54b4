"""Amounts as real exports write them: exact or refused, never guessed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import EXPONENTS
from app.domain.source_files import Numbers
from app.formats.amounts import parser, to_minor
from app.formats.errors import BadRow
from tests.support.properties import QUICK
from tests.support.source_files import line, read_text, records, source, written_as

GERMAN = {"decimal": ",", "group": "."}
SWISS = {"group": "'"}
FRENCH = {"decimal": ",", "group": " "}
ENGLISH = {"group": ","}
MARKS = {"negative_marks": ["DR"], "positive_marks": ["CR"], "symbols": ["€", "R$", "EUR"]}


def amount(text: Any, **numbers: Any) -> Decimal | None:
    return parser(msgspec.convert(numbers, Numbers))(text, "amount")


@pytest.mark.parametrize(
    ("text", "numbers", "value"),
    [
        ("12.34", {}, "12.34"),
        ("-12.34", {}, "-12.34"),
        ("+12.34", {}, "12.34"),
        (" 12 ", {}, "12"),
        (".5", {}, "0.5"),
        ("5.", {}, "5"),
        ("12.34-", {}, "-12.34"),
        ("(12.34)", {}, "-12.34"),
        ("\u221212.34", {}, "-12.34"),
        ("1.234,56", GERMAN, "1234.56"),
        ("1.234.567", GERMAN, "1234567"),
        ("1234,5", GERMAN, "1234.5"),
        ("1'234.50", SWISS, "1234.50"),
        ("1\u2019234.50", SWISS, "1234.50"),
        ("1\u202f234,50", FRENCH, "1234.50"),
        ("-1\u00a0234,50", FRENCH, "-1234.50"),
        ("1,234,567.89", ENGLISH, "1234567.89"),
        ("12,34,567.89", ENGLISH, "1234567.89"),
        ("€12.34", MARKS, "12.34"),
        ("-€ 12.34", MARKS, "-12.34"),
        ("€-12.34", MARKS, "-12.34"),
        ("R$ 12.34", MARKS, "12.34"),
        ("(EUR 12.34)", MARKS, "-12.34"),
        ("12.34 DR", MARKS, "-12.34"),
        ("12.34 CR", MARKS, "12.34"),
        (12, {}, "12"),
        (Decimal("0.10"), GERMAN, "0.10"),
    ],
)
def test_what_is_an_amount(text: Any, numbers: dict[str, Any], value: str) -> None:
    assert amount(text, **numbers) == Decimal(value)


@pytest.mark.parametrize("empty", [None, "", "   "])
def test_an_empty_cell_is_no_amount(empty: Any) -> None:
    assert amount(empty) is None


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234.50", {}),
        ("1.23", GERMAN),
        ("1.2345,00", GERMAN),
        ("12.34.56", GERMAN),
        ("1,5,0", {"decimal": ","}),
        ("--5", {}),
        ("-5-", {}),
        ("(-5)", {}),
        ("-5 DR", MARKS),
        ("$5", MARKS),
        ("€", MARKS),
        ("-", {}),
        ("1e3", {}),
        ("0x10", {}),
        ("NaN", {}),
        ("Infinity", {}),
        ("1_000", {}),
        ("\u0661\u0662", {}),
        ("9" * 26, {}),
        ("1.5 EUR 2", MARKS),
        (Decimal("NaN"), {}),
        (Decimal("1E+400"), {}),
        (Decimal("0." + "1" * 30), {}),
        (True, {}),
        ([1], {}),
        ({"value": 1}, {}),
    ],
)
def test_what_is_none_or_could_be_two(text: Any, numbers: dict[str, Any]) -> None:
    with pytest.raises(BadRow):
        amount(text, **numbers)


@pytest.mark.parametrize(
    ("value", "currency", "numbers", "minor"),
    [
        ("80", "JPY", {}, 80),
        ("80.00", "JPY", {}, 80),
        ("1.234", "KWD", {}, 1234),
        ("1.23", "EUR", {}, 123),
        ("8000", "JPY", {"unit": "minor"}, 8000),
        ("1234", "KWD", {"unit": "minor"}, 1234),
        ("100", "ISK", {"unit": "minor", "exponents": {"ISK": 2}}, 1),
    ],
)
def test_minor_units_by_currency(value: str, currency: str, numbers: dict[str, Any], minor: int) -> None:
    described = msgspec.convert(numbers, Numbers)
    assert to_minor(Decimal(value), currency, described, "amount") == minor


@pytest.mark.parametrize(
    ("value", "currency", "numbers"),
    [
        ("80.5", "JPY", {}),
        ("1.2345", "KWD", {}),
        ("1.5", "EUR", {"unit": "minor"}),
        ("1", "ZZZ", {"unit": "minor"}),
    ],
)
def test_too_many_digits_are_refused(value: str, currency: str, numbers: dict[str, Any]) -> None:
    with pytest.raises(BadRow):
        to_minor(Decimal(value), currency, msgspec.convert(numbers, Numbers), "amount")


@QUICK
@given(
    value=st.integers(-(10**14), 10**14),
    currency=st.sampled_from(sorted(EXPONENTS)),
    style=st.sampled_from([{}, GERMAN, SWISS, FRENCH, ENGLISH]),
    negative=st.sampled_from(["-{}", "{}-", "({})"]),
)
def test_every_style_reads_back_what_it_wrote(
    value: int, currency: str, style: dict[str, Any], negative: str
) -> None:
    numbers = msgspec.convert(style, Numbers)
    written = f"{Decimal(abs(value)).scaleb(-EXPONENTS[currency]):,f}"
    table = str.maketrans({",": numbers.group, ".": numbers.decimal})
    text = written.translate(table)
    text = negative.format(text) if value < 0 else text
    read = parser(numbers)(text, "amount")
    assert read is not None
    assert to_minor(read, currency, numbers, "amount") == value


DEBIT_CREDIT = {"debit": "out", "credit": "in"}
DIRECTION = {"column": "gross", "direction": "way", "negative_when": ["D"]}


@pytest.mark.parametrize(
    ("field", "cells", "gross"),
    [
        ({"column": "gross", "flip": True}, {"gross": "5.00"}, -500),
        ({"column": "gross", "absolute": True}, {"gross": "-5.00"}, 500),
        (DEBIT_CREDIT, {"out": "5.00", "in": ""}, -500),
        (DEBIT_CREDIT, {"out": "-5.00", "in": "0.00"}, -500),
        (DEBIT_CREDIT, {"out": "", "in": "5.00"}, 500),
        (DEBIT_CREDIT, {"out": "0.00", "in": "0.00"}, 0),
        (DIRECTION, {"gross": "5.00", "way": "D"}, -500),
        (DIRECTION, {"gross": "5.00", "way": "C"}, 500),
        ({"sum": ["a", "b", "-c"]}, {"a": "1.00", "b": "", "c": "0.25"}, 75),
        ({"columns": ["a", "b"]}, {"a": "", "b": "3.00"}, 300),
        ({"column": "text", "pattern": r"([0-9.]+) EUR"}, {"text": "paid 7.50 EUR"}, 750),
    ],
)
def test_where_an_amount_comes_from(
    tmp_path: Path, field: dict[str, Any], cells: dict[str, str], gross: int
) -> None:
    fields = {"batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "currency": "currency"}
    described = source(fields={**fields, "booked_on": "day", "gross": field})
    (found,) = records(read_text(tmp_path, written_as("csv", [{**line(fee=""), **cells}]), described))
    assert (found.gross, found.fee, found.net) == (gross, 0, gross)


def test_debit_and_credit_at_once_are_refused(tmp_path: Path) -> None:
    fields = {"batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "currency": "currency"}
    described = source(fields={**fields, "booked_on": "day", "gross": DEBIT_CREDIT})
    text = written_as("csv", [{**line(), "out": "1.00", "in": "2.00"}])
    (row,) = read_text(tmp_path, text, described)
    assert "only one of them can be" in (row.problem or "")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"gross": "10.00", "fee": "0.30"}, (1000, 30, 970)),
        ({"gross": "10.00", "net": "9.70"}, (1000, 30, 970)),
        ({"fee": "0.30", "net": "9.70"}, (1000, 30, 970)),
        ({"gross": "10.00", "fee": "0.30", "net": "9.70"}, (1000, 30, 970)),
        ({"gross": "10.00"}, (1000, 0, 1000)),
        ({"net": "10.00"}, (1000, 0, 1000)),
        ({"gross": "-10.00", "net": "-9.70"}, (-1000, -30, -970)),
        ({"gross": "10.00", "fee": "", "net": "9.70"}, (1000, 30, 970)),
    ],
)
def test_gross_fee_and_net_follow_from_each_other(
    tmp_path: Path, given: dict[str, str], wanted: tuple[int, int, int]
) -> None:
    fields = {"batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "currency": "currency"}
    row = {name: value for name, value in line().items() if name not in ("gross", "fee")}
    described = source(fields={**fields, "booked_on": "day", **{name: name for name in given}})
    (found,) = records(read_text(tmp_path, written_as("csv", [row | given]), described))
    assert (found.gross, found.fee, found.net) == wanted


def test_a_net_that_contradicts_gross_and_fee_is_refused(tmp_path: Path) -> None:
    fields = {name: name for name in ("gross", "fee", "net", "currency")}
    described = source(
        fields={
            **fields,
            "batch_id": "batch",
            "line_id": "id",
            "psp_payment_id": "payment",
            "booked_on": "day",
        }
    )
    (row,) = read_text(tmp_path, written_as("csv", [line(net="98.49")]), described)
    assert row.problem == "net 9849 is not gross - fee - tax - reserve"


def test_a_converted_line_needs_both_gross_and_net(tmp_path: Path) -> None:
    fields = {
        "batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "booked_on": "day",
        "currency": "currency", "settle_currency": "paid_in", "gross": "gross", "net": "net", "rate": "rate",
    }  # fmt: skip
    rows = [
        line(1, gross="1000", currency="JPY", paid_in="EUR", net="6.12", rate="0.00612"),
        line(2, gross="1000", currency="JPY", paid_in="EUR", net="", rate=""),
    ]
    good, bad = read_text(tmp_path, written_as("csv", rows), source(fields=fields))
    (found,) = records([good])
    assert (found.gross, found.fee, found.net, found.settle_currency) == (1000, 0, 612, "EUR")
    assert "gross and net must both be there" in (bad.problem or "")
