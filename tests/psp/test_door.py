"""The webhook door: where each fact goes, under which id, and what becomes of what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.commands import PaymentAuthorized, PaymentRecord, RefundRecord
from app.domain.decision import Conflict, Draft, Ignored, Source
from app.domain.settlement import FactUnaddressed
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS, PSP_WEBHOOKS
from app.domain.webhooks import WebhookReceived, received_body
from app.psp import door
from tests.support.psp_payments import BEGAN, AdyenPayment, StripePayment, our_ids
from tests.support.webhooks import Delivery, adyen_delivery, encoded, sandbox_delivery, stripe_delivery

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OURS = our_ids("m-1", "pay-1")


class NoRows:
    def get(self, ref: Any) -> Any:
        raise AssertionError(f"a door reads no rows, not {ref}")


def sends(delivery: Delivery) -> list[Any]:
    received = WebhookReceived(
        psp=delivery.psp, headers=delivery.headers, received_at=NOW, **received_body(delivery.body)
    )
    draft = Draft(NoRows(), Source(PSP_WEBHOOKS, 0, 7, "", NOW))
    door.decide(draft, received)
    assert list(door.prefetch(received)) == []
    assert door.record_key(received) is None
    assert (draft.state, draft.transactions) == ({}, [])
    return list[Any](draft.sends)


def test_a_fact_with_our_ids_goes_to_its_merchant() -> None:
    (sent,) = sends(stripe_delivery(StripePayment(1, OURS).charge_captured(), BEGAN))
    assert (sent.topic, sent.key) == (PAYMENTS_COMMANDS, "m-1")
    assert sent.record == PaymentRecord(
        id="stripe/evt_000000000001_charge.captured",
        merchant_id="m-1",
        payment_id="pay-1",
        capture_id="pay-1",
        amount=12345,
        currency="EUR",
        psp="stripe",
        psp_payment_id="pi_0000000000000001",
        psp_capture_id="pi_0000000000000001",
        method="card",
        occurred_at=datetime(2026, 11, 20, 9, 1, tzinfo=UTC),
        order_ref="o-pay-1",
    )


def test_any_other_goes_to_the_directory_under_the_psps_id_of_the_payment() -> None:
    (sent,) = sends(stripe_delivery(StripePayment(1, OURS).refund_created(), BEGAN))
    assert (sent.topic, sent.key) == (MATCHING_COMMANDS, "stripe:pi_0000000000000001")
    assert isinstance(sent.record, FactUnaddressed)
    assert sent.record.id == "stripe/evt_000000000001_refund.created"
    assert (sent.record.psp, sent.record.identity) == ("stripe", "pi_0000000000000001")
    assert (sent.record.fact.kind, sent.record.fact.psp_object_id) == ("refunded", "re_0000000000000001")


def test_half_of_our_ids_are_none() -> None:
    for half in ({"merchant_id": "m-1"}, {"payment_id": "pay-1"}, {"merchant_id": "", "payment_id": "p"}):
        (sent,) = sends(stripe_delivery(StripePayment(1, half).charge_captured(), BEGAN))
        assert sent.topic == MATCHING_COMMANDS


def test_the_facts_of_one_event_are_numbered() -> None:
    both = sends(stripe_delivery(StripePayment(1).dispute_closed("won"), BEGAN))
    event = "stripe/evt_000000000001_charge.dispute.closed"
    assert [(sent.record.id, sent.record.fact.kind) for sent in both] == [
        (event, "dispute_opened"),
        (f"{event}/1", "dispute_won"),
    ]


def test_each_item_of_a_delivery_is_an_event() -> None:
    payment = AdyenPayment(1, OURS)
    three = sends(adyen_delivery(*payment.six()[:3]))
    assert [type(sent.record) for sent in three] == [PaymentAuthorized, PaymentRecord, RefundRecord]
    assert [sent.record.id for sent in three] == [
        "adyen/PAY0000000000001:AUTHORISATION:true",
        "adyen/CAP0000000000001:CAPTURE:true",
        "adyen/REF0000000000001:REFUND:true",
    ]


def test_a_delivery_that_comes_again_gives_the_same_records() -> None:
    """Also where the PSP counts its attempts inside of the body."""
    event = StripePayment(1, OURS).intent_succeeded()
    again = {**event, "pending_webhooks": 1, "api_version": "2025-01-01"}
    assert sends(stripe_delivery(event, BEGAN)) == sends(stripe_delivery(again, BEGAN + 3600))


def stripe(event: Any, **changes: Any) -> Delivery:
    return stripe_delivery({**event, **changes} if changes else event, BEGAN)


def adyen(**changes: Any) -> Delivery:
    return adyen_delivery({**AdyenPayment(1).six()[1], **changes})


CAPTURED, REFUNDED = StripePayment(1).charge_captured(), StripePayment(1).refund_created()
UNREADABLE = [
    (stripe(b"no JSON"), "webhook of stripe: .* at `\\$`"),
    (stripe(b'{"id": "\xff"}'), "webhook of stripe"),
    (stripe(b"[" * 100_000), "webhook of stripe"),
    (stripe(CAPTURED, type="a.b"), "type: 'a.b' is not known"),
    (stripe(CAPTURED, type="a\x00b"), r"type: 'a\\x00b' is not known"),
    (stripe(CAPTURED, created="now"), r"Expected `int`, got `str` - at `\$.created`"),
    (stripe(CAPTURED, data={"object": {}}), r"missing required field `id` - at `\$\.data\.object`"),
    (stripe(REFUNDED, id="e" * 200), "length <= 200"),
    (stripe(StripePayment(1, currency="xxx").charge_captured()), "'XXX' is not an ISO 4217"),
    (stripe(StripePayment(1, {"order_ref": "o" * 201}).charge_captured()), r"length <= 200.*order_ref"),
    (stripe(StripePayment(1, our_ids("m/1", "p")).charge_captured()), "must not contain '/'"),
    (adyen(originalReference=""), "originalReference: missing in CAPTURE"),
    (adyen(eventCode="NEWS"), "eventCode: 'NEWS' of CAP"),
    (adyen(eventDate="2026-11-20"), r"at `\$\.notificationItems\[0\]\.eventDate`"),
    (Delivery("adyen", {}, encoded({"type": "a.new.kind"})), "type: 'a.new.kind' is not known"),
    (Delivery("nobody", {}, b"{}"), "there is no adapter for nobody"),
]


@pytest.mark.parametrize(("delivery", "words"), UNREADABLE, ids=[words for _, words in UNREADABLE])
def test_what_cannot_be_read_says_what_and_where(delivery: Delivery, words: str) -> None:
    with pytest.raises(Conflict, match=words) as raised:
        sends(delivery)
    assert "\x00" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_one_unknown_item_keeps_the_whole_delivery() -> None:
    """Nothing of it is taken, so that redriving it later takes all of it."""
    right, wrong = AdyenPayment(1, OURS).six()[1], {**AdyenPayment(2).six()[1], "eventCode": "NEWS"}
    with pytest.raises(Conflict):
        sends(adyen_delivery(right, wrong))


def test_an_ignored_item_does_not_hold_up_the_others() -> None:
    payment = AdyenPayment(1, OURS)
    report = {**payment.six()[0], "eventCode": "REPORT_AVAILABLE"}
    assert len(sends(adyen_delivery(report, payment.six()[1]))) == 1


def test_what_brings_no_fact_is_ignored_with_the_reason() -> None:
    with pytest.raises(Ignored, match=r"payment_intent\.created: nothing has happened"):
        sends(stripe_delivery({**StripePayment(1).authorized(), "type": "payment_intent.created"}, BEGAN))
    with pytest.raises(Ignored, match="ping"):
        sends(sandbox_delivery({"type": "ping", "timestamp": "2026-11-20T09:00:00Z"}, BEGAN))
