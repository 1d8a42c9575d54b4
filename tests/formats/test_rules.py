"""What rows of one kind become: kinds by a column or by sign, rows to leave out, names put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.commands import PaymentRecord, RefundRecord
from tests.support.source_files import line, read_text, reading, records, source, write, written_as

COMMON = {
    "batch_id": "batch", "line_id": "id", "psp_payment_id": "payment", "currency": "currency",
    "booked_on": "day", "gross": "gross", "fee": "fee",
}  # fmt: skip
BY_TYPE = [
    {"when": [{"column": "type", "equals": ["Payout", "Fee"]}], "ignore": "a movement of the account itself"},
    {"when": [{"column": "type", "equals": ["Refund"]}], "kind": "refund", "fields": {"fee": {"const": "0"}}},
    {
        "when": [{"column": "type", "differs": ["Charge"]}, {"column": "gross", "sign": "negative"}],
        "kind": "chargeback",
    },
    {"when": [{"column": "type", "matches": "(?i)^charge$"}], "kind": "capture"},
    {"when": [{"column": "type", "empty": True}], "kind": "adjustment"},
]  # fmt: skip


def test_kinds_by_type_and_sign(tmp_path: Path) -> None:
    rows = [
        line(1, type="Charge"),
        line(2, type="Refund", gross="-5.00", fee="9"),
        line(3, type="Loss", gross="-5.00"),
        line(4, type=""),
        line(5, type="Payout", gross="garbled"),
        line(6, type="Loss"),
        line(7, type="charge"),
    ]
    found = read_text(tmp_path, written_as("csv", rows), source(fields=COMMON, rows=BY_TYPE))
    kinds = [row.record.kind if row.record is not None else None for row in found]  # type: ignore[attr-defined]
    assert kinds == ["capture", "refund", "chargeback", "adjustment", None, None, "capture"]
    assert [found[4].ignored, found[5].problem] == [
        "a movement of the account itself",
        "no rule of the source's `rows` fits",
    ]
    assert records([found[1]])[0].fee == 0


def test_a_row_to_ignore_may_have_any_shape(tmp_path: Path) -> None:
    rules = [{"when": [{"column": "batch", "matches": "^Total"}], "ignore": "a sum"}, {"kind": "capture"}]
    text = written_as("csv", [line(1)]) + b"Total 1 row\r\n"
    rows = read_text(tmp_path, text, source(rows=rules))
    assert [row.ignored for row in rows] == [None, "a sum"]


@pytest.mark.parametrize(
    ("field", "cells", "batch"),
    [
        ({"const": "B9"}, {}, "B9"),
        ({"column": "batch", "default": "none"}, {"batch": ""}, "none"),
        ({"columns": ["batch", "day"]}, {"batch": ""}, "2026-11-21"),
        ({"template": "{payment}/{day}"}, {}, "pi_1/2026-11-21"),
        ({"template": "{batch}/{day}", "default": "x"}, {"batch": ""}, "x"),
        ({"column": "text", "pattern": r"PAYOUT (\w+)"}, {"text": "SEPA PAYOUT B7 ."}, "B7"),
        ({"column": "text", "pattern": r"PAYOUT (\w+)", "default": "?"}, {"text": "SEPA"}, "?"),
        ({"column": "batch", "values": {"B1": "first"}}, {}, "first"),
        ({"column": "batch", "values": {"B2": "second"}}, {}, "B1"),
        ({"column": "absent", "optional": True, "default": "d"}, {}, "d"),
    ],
)
def test_where_a_text_comes_from(
    tmp_path: Path, field: dict[str, Any], cells: dict[str, str], batch: str
) -> None:
    described = source(fields=COMMON | {"batch_id": field})
    (found,) = records(read_text(tmp_path, written_as("csv", [{**line(), **cells}]), described))
    assert found.batch_id == batch


PAYMENTS = {
    "merchant_id": "shop", "payment_id": "order", "order_ref": "order", "currency": "currency",
    "occurred_at": "at", "amount": {"column": "amount", "absolute": True},
    "payer.email": {"column": "mail", "optional": True},
}  # fmt: skip
FACTS = [
    {
        "when": [{"column": "amount", "sign": "negative"}],
        "type": "refund.record",
        "fields": {"refund_id": "id"},
    },
    {"type": "payment.record"},
]


def payment(number: int, amount: str, **cells: str) -> dict[str, str]:
    row = {"id": f"t{number}", "shop": "m-1", "order": f"o{number}", "currency": "JPY", "mail": ""}
    return row | {"at": "2026-11-21T10:00:00+09:00", "amount": amount} | cells


@pytest.mark.parametrize("line_id", [None, "id"])
def test_payments_and_refunds_of_one_file(tmp_path: Path, line_id: str | None) -> None:
    fields = PAYMENTS | ({"line_id": line_id} if line_id else {})
    described = source("payments", fields=fields, rows=FACTS)
    text = written_as("csv", [payment(1, "8000", mail="a@example.org"), payment(2, "-500")])
    paid, refunded = records(read_text(tmp_path, text, described))
    assert isinstance(paid, PaymentRecord)
    assert isinstance(refunded, RefundRecord)
    assert (paid.amount, paid.psp, paid.payer and paid.payer.email) == (8000, "stripe", "a@example.org")
    assert (refunded.amount, refunded.refund_id, refunded.payment_id) == (500, "t2", "o2")
    assert paid.id.startswith("acquirer-a/")
    assert (paid.id == "acquirer-a/t1") == (line_id is not None)
    assert [record.id for record in records(read_text(tmp_path, text, described))] == [paid.id, refunded.id]


def test_columns_that_no_object_has_are_said(tmp_path: Path) -> None:
    described = source(form="json", fields=COMMON | {"merchant_ref": "reference"})
    opened = reading(write(tmp_path, written_as("json", [line(1), line(2)])), described)
    assert opened.survey() == (2, ["no row has 'reference'"])
