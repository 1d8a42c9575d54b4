"""Adyen: what each event code says about a payment, and what its integers are worth."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from app.psp.adapter import Unreadable
from app.psp.adyen import ADAPTER
from app.psp.adyen_events import READERS
from tests.psp.reports import facts_of, report
from tests.support.psp_payments import BEGAN, AdyenPayment, our_ids
from tests.support.webhooks import ADYEN_SECRET, adyen_delivery

Json = dict[str, Any]
P = AdyenPayment(7)
PAY, MOD, DIS = P.reference, "MOD0000000000007", "DIS0000000000007"


def item(
    code: str, success: bool = True, more: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A modification of the payment; `more` goes to additionalData."""
    made = {**P.item(code, 60, MOD), "success": str(success).lower(), **fields}
    return {**made, "additionalData": {**made["additionalData"], **(more or {})}}


def auth(success: bool = True, more: Json | None = None, **fields: Any) -> Json:
    first = P.six()[0]
    return {**first, "success": str(success).lower(), "additionalData": more or {}, **fields}


AUTHORIZED, CAPTURED = f"authorized 12345 EUR {PAY}", f"captured 12345 EUR {PAY}"
REFUNDED, REFUND_FAILED = f"refunded 12345 EUR {PAY} {MOD}", f"refund_failed 12345 EUR {PAY} {MOD}"
OPENED, LOST = f"dispute_opened 12345 EUR {PAY} {MOD}", f"dispute_lost 12345 EUR {PAY} {MOD}"
WON = f"dispute_won 12345 EUR {PAY} {MOD}"
VOIDED = f"voided 12345 EUR {PAY}"
NOTHING = ["ignored"]
EVENTS = [
    ("authorised", auth(), [AUTHORIZED]),
    ("refused", auth(False), [f"failed 12345 EUR {PAY}"]),
    ("a method that is captured at once", auth(operations=["REFUND"]), [AUTHORIZED, CAPTURED]),
    ("an account that captures at once", auth(more={"captureDelayHours": "0"}), [AUTHORIZED, CAPTURED]),
    ("an account that captures later", auth(more={"captureDelayHours": "72"}), [AUTHORIZED]),
    ("a card that is stored", auth(amount={"value": 0, "currency": "EUR"}), NOTHING),
    ("captured", item("CAPTURE"), [CAPTURED]),
    ("capture refused", item("CAPTURE", False), NOTHING),
    ("capture failed later", item("CAPTURE_FAILED"), [REFUNDED]),
    ("cancelled", item("CANCELLATION"), [VOIDED]),
    ("cancellation refused", item("CANCELLATION", False), NOTHING),
    ("cancelled by reference", item("TECHNICAL_CANCEL"), [VOIDED]),
    ("reversed before", item("CANCEL_OR_REFUND", more={"modification.action": "cancel"}), [VOIDED]),
    ("reversed after", item("CANCEL_OR_REFUND", more={"modification.action": "refund"}), [REFUNDED]),
    ("reversal refused", item("CANCEL_OR_REFUND", False), NOTHING),
    ("expired", item("EXPIRE"), [f"expired 12345 EUR {PAY}"]),
    ("refunded", item("REFUND"), [REFUNDED]),
    ("refund refused", item("REFUND", False), [REFUND_FAILED]),
    ("refund failed later", item("REFUND_FAILED"), [REFUND_FAILED]),
    ("refund came back", item("REFUNDED_REVERSED"), [REFUND_FAILED]),
    ("chargeback", item("CHARGEBACK", more={"disputeStatus": "Undefended"}), [OPENED]),
    ("chargeback that is final", item("CHARGEBACK", more={"disputeStatus": "Lost"}), [OPENED, LOST]),
    ("defended", item("CHARGEBACK_REVERSED"), [WON]),
    ("lost after all", item("SECOND_CHARGEBACK"), [LOST]),
    ("prearbitration won", item("PREARBITRATION_WON"), [WON]),
    ("prearbitration lost", item("PREARBITRATION_LOST"), [LOST]),
    ("a warning", item("NOTIFICATION_OF_CHARGEBACK"), NOTHING),
    ("a question", item("REQUEST_FOR_INFORMATION"), NOTHING),
    ("a report", item("REPORT_AVAILABLE"), NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("event", "lines"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_events(event: dict[str, Any], lines: list[str]) -> None:
    assert report("adyen", adyen_delivery(event).body) == lines


def test_every_parsed_code_has_a_row() -> None:
    assert {event["eventCode"] for _, event, _ in EVENTS} - set(ADAPTER.ignored) == set(READERS)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (item("CANCEL_OR_REFUND"), r"modification\.action: None in CANCEL_OR_REFUND MOD"),
        (item("CAPTURE", originalReference=""), "originalReference: missing in CAPTURE MOD"),
        (item("CAPTURE", amount={"value": 12.5, "currency": "EUR"}), "Expected `int`"),
        (item("CAPTURE", amount={"value": 0, "currency": "EUR"}), "captured: .* >= 1"),
        (item("CAPTURE", amount={"value": 5, "currency": "EURO"}), "'EURO' is not an ISO 4217"),
        (item("CAPTURE", eventDate="yesterday"), "eventDate"),
    ],
)
def test_what_is_unclear_is_not_guessed(event: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        report("adyen", adyen_delivery({**event, "amount": event["amount"]}).body)


@pytest.mark.parametrize(
    ("currency", "sent", "worth"),
    [
        ("EUR", 1050, 1050),
        ("JPY", 500, 500),
        ("KWD", 5125, 5125),
        ("CLP", 50_000, 500),  # two decimals at Adyen, none in ISO 4217
        ("ISK", 50_000, 500),
        ("CVE", 500, 50_000),  # none at Adyen, two in ISO 4217
        ("IDR", 500, 50_000),
        ("HUF", 1000, 1000),
        ("UGX", 500, 500),
    ],
)
def test_amounts(currency: str, sent: int, worth: int) -> None:
    event = item("CAPTURE", amount={"value": sent, "currency": currency})
    assert report("adyen", adyen_delivery(event).body) == [f"captured {worth} {currency} {PAY}"]


def test_our_ids_come_from_metadata_and_the_order_from_the_reference() -> None:
    ours = {**our_ids("m-1", "pay-1"), "capture_id": "cap-2"}
    payment = AdyenPayment(1, ours)
    (authorized,) = facts_of(adyen_delivery(payment.six()[0]))
    assert (authorized.merchant_id, authorized.payment_id, authorized.object_id) == ("m-1", "pay-1", None)
    assert authorized.order_ref == "o-pay-1"
    (captured,) = facts_of(adyen_delivery(payment.six()[1]))
    assert captured.object_id == "cap-2"
    (without,) = facts_of(adyen_delivery(AdyenPayment(3).six()[0]))
    assert (without.merchant_id, without.order_ref) == (None, "o-3")


def test_moments_keep_their_instant_whatever_their_zone() -> None:
    (fact,) = facts_of(adyen_delivery(item("CAPTURE", eventDate="2026-11-20T10:01:00+01:00")))
    assert fact.occurred_at.timestamp() == BEGAN + 60


class TestSignatures:
    KEYS = (bytes.fromhex(ADYEN_SECRET),)

    def verify(self, item: Json) -> bool:
        return ADAPTER.verify({}, adyen_delivery(item).body, self.KEYS, 0.0)

    def test_one_item_that_does_not_verify_refuses_all(self) -> None:
        right = adyen_delivery(auth(), item("CAPTURE"), item("REFUND")).body
        assert ADAPTER.verify({}, right, self.KEYS, 0.0)
        for code in (b'"CAPTURE"', b'"REFUND"', b'"AUTHORISATION"'):
            assert not ADAPTER.verify(
                {}, right.replace(b'"eventCode": ' + code, b'"eventCode": "X"'), self.KEYS, 0.0
            )

    def test_no_items_are_no_proof(self) -> None:
        assert not ADAPTER.verify({}, b'{"notificationItems": []}', self.KEYS, 0.0)

    def test_only_a_reference_of_ours_may_hold_the_separator(self) -> None:
        """`a:b` + `c` and `a` + `b:c` would be signed alike."""
        assert self.verify(auth(merchantReference="order:7"))
        for name in ("pspReference", "originalReference", "merchantAccountCode", "eventCode"):
            assert not self.verify({**auth(), name: "a:b"})

    def test_other_webhooks_sign_the_body_in_a_header(self) -> None:
        body = b'{"type": "balancePlatform.transfer.created", "data": {}}'
        signature = base64.b64encode(hmac.digest(self.KEYS[0], body, "sha256")).decode()
        assert ADAPTER.verify({"hmacsignature": signature}, body, self.KEYS, 0.0)
        assert not ADAPTER.verify({"hmacsignature": signature}, body + b" ", self.KEYS, 0.0)
        assert not ADAPTER.verify({}, body, self.KEYS, 0.0)
