"""What is no record says why and where; what is the same content is the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.contracts.codec import MAX_REASON_CHARACTERS, REASONS, Undecodable, content_hash, decode, encode
from app.domain.commands import PaymentRecord, PlatformConfigure
from app.domain.configuration import FeePlan

TOPIC = "payments.commands"
PAYMENT: dict[str, Any] = {
    "type": "payment.record",
    "id": "c1",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "amount": 12345,
    "currency": "EUR",
    "psp": "stripe",
    "psp_payment_id": "pi_1",
    "occurred_at": "2026-11-20T09:00:00Z",
}
LINE: dict[str, Any] = {
    "type": "settlement.line",
    "source": "acquirer-a",
    "psp": "stripe",
    "batch_id": "B1",
    "line_id": "L1",
    "kind": "capture",
    "psp_payment_id": "pi_1",
    "currency": "EUR",
    "gross": 12345,
    "fee": 388,
    "settle_currency": "EUR",
    "net": 11957,
    "booked_on": "2026-11-21",
}


def payment(**changes: Any) -> bytes:
    fields = {**PAYMENT, **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


def line(**changes: Any) -> bytes:
    return json.dumps({**LINE, **changes}).encode()


WRONG_PAYMENTS = [
    (None, "empty: the record has no value"),
    (b"", "empty: the record has no value"),
    (b" \n", "empty: the record has no value"),
    (b"{", "not_json: Input data was truncated"),
    (b"\xef\xbb\xbf{}", "not_json: JSON is malformed: invalid character (byte 0)"),
    (payment() + b"x", "not_json: JSON is malformed: trailing characters"),
    (payment(amount=float("nan")), "not_json: JSON is malformed"),
    (b"\xff", "not_utf8: byte 0 (0xff)"),
    (b'{"type":"\xff"}', "not_utf8: byte 9 (0xff)"),
    (b"null", "not_an_object: Expected `object`, got `null`"),
    (b"[1]", "not_an_object: Expected `object`, got `array`"),
    (b"{}", "no_type: no field"),
    (payment(type=7), "no_type: Expected `str`"),
    (payment(type="payment.recorded"), "unknown_type: 'payment.recorded'"),
    (payment(type="settlement.line"), "unknown_type: 'settlement.line'"),
    (payment(type="a\x00b"), "unknown_type: 'a\\x00b'"),
    (payment(id=...), "missing_field: id"),
    (payment(occurred_at=...), "missing_field: occurred_at"),
    (payment(id=""), "wrong_field: id: Expected `str` of length >= 1"),
    (payment(amount="12.50"), "wrong_field: amount: Expected `int`, got `str`"),
    (payment(amount=12.5), "wrong_field: amount: Expected `int`, got `float`"),
    (payment(amount=5.0), "wrong_field: amount: Expected `int`, got `float`"),
    (payment(amount=0), "wrong_field: amount: Expected `int` >= 1"),
    (payment(amount=10**40), "wrong_field: amount: Expected `int` <= 1000000000000000"),
    (payment(amount=True), "wrong_field: amount: Expected `int`, got `bool`"),
    (
        payment(occurred_at="2026-11-20T09:00:00"),
        "wrong_field: occurred_at: Expected `datetime` with a timezone",
    ),
    (payment(occurred_at="yesterday"), "wrong_field: occurred_at: Invalid RFC3339 encoded datetime"),
    (payment(payer={"location": [1]}), "wrong_field: payer.location: Expected `array` of length 2"),
    (payment(payer={"location": [1, "x"]}), "wrong_field: payer.location[1]: Expected `float`, got `str`"),
    (payment(currency="XXY"), "wrong_record: currency 'XXY' is not an ISO 4217 currency"),
    (payment(currency="eur"), "wrong_record: currency 'eur' is not an ISO 4217 currency"),
    (payment(merchant_id="a/b"), "wrong_record: merchant_id must not contain '/'"),
    (
        payment(psp_payment_id=...),
        "wrong_record: one of psp_payment_id, order_ref, invoice_id must be present",
    ),
    (payment(capture_id="cap-2"), "wrong_record: psp_capture_id is required"),
]
WRONG_LINES = [
    (line(net=11956), "wrong_record: net 11956 is not gross - fee - tax - reserve"),
    (line(settle_currency="XXY"), "wrong_record: settle_currency 'XXY' is not"),
    (line(kind="sale"), "wrong_field: kind: Invalid enum value 'sale'"),
    (line(booked_on="21.11.2026"), "wrong_field: booked_on: Invalid RFC3339 encoded date"),
    (line(psp_payment_id=None), "wrong_record: one of psp_payment_id, merchant_ref must be present"),
]
WRONG = [(TOPIC, *case) for case in WRONG_PAYMENTS] + [("settlements.lines", *case) for case in WRONG_LINES]


@pytest.mark.parametrize(("topic", "value", "reason"), WRONG, ids=[case[2][:40] for case in WRONG])
def test_a_dead_letters_reason_names_the_field(topic: str, value: bytes | None, reason: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(topic, value)
    assert str(caught.value).startswith(reason)
    assert caught.value.code == reason.partition(":")[0]


def test_every_reason_is_met() -> None:
    assert {reason.partition(":")[0] for _, _, reason in WRONG} == set(REASONS)


def test_a_reason_is_short_and_fits_postgresql_text() -> None:
    with pytest.raises(Undecodable) as caught:
        decode(TOPIC, payment(type="\x00" * 100_000))
    assert len(str(caught.value)) == MAX_REASON_CHARACTERS
    assert "\x00" not in str(caught.value)


def test_defaults_that_follow_from_other_fields() -> None:
    record = decode(TOPIC, payment())
    assert isinstance(record, PaymentRecord)
    assert (record.capture_id, record.psp_capture_id) == ("pay-1", "pi_1")
    assert decode(TOPIC, encode(record)) == record


def test_the_order_of_fields_spaces_and_written_defaults_are_not_content() -> None:
    written = json.dumps(dict(reversed(PAYMENT.items())) | {"capture_id": "pay-1", "method": None}, indent=3)
    same = decode(TOPIC, written.encode())
    assert content_hash(same) == content_hash(decode(TOPIC, payment()))


def test_every_field_is_content() -> None:
    plain = content_hash(decode(TOPIC, payment()))
    for changed in (payment(amount=12346), payment(method="card"), payment(payer={"id": "c-1"})):
        assert content_hash(decode(TOPIC, changed)) != plain


def test_maps_are_encoded_in_the_order_of_their_keys() -> None:
    one = PlatformConfigure(id="p", default_plan=FeePlan(fixed={"USD": 1, "EUR": 2}))
    other = PlatformConfigure(id="p", default_plan=FeePlan(fixed={"EUR": 2, "USD": 1}))
    assert encode(one) == encode(other)
    assert len(content_hash(one)) == 16
