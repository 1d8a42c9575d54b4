"""Stripe: what each event says about a payment, and what its integers are worth."""

from __future__ import annotations

from typing import Any

import pytest

from app.psp.adapter import Unreadable
from app.psp.stripe import READERS
from tests.psp.reports import facts_of, report
from tests.support.psp_payments import AMOUNT, BEGAN, FEE, StripePayment, our_ids
from tests.support.webhooks import encoded, stripe_delivery

P = StripePayment(7)
PI, CH, RE, DP = P.intent, P.charge, "re_0000000000000007", "dp_0000000000000007"


def of(event: dict[str, Any], kind: str | None = None, **changes: Any) -> dict[str, Any]:
    """An event of another type, or with other fields in its object."""
    thing = {**event["data"]["object"], **changes}
    return {**event, "type": kind or event["type"], "data": {"object": thing}}


INTENT, CHARGE, REFUND, DISPUTE = P.authorized(), P.charge_captured(), P.refund_created(), P.dispute_created()
PO = "po_0000000000000007"
PO_FAILED = f"payout_failed 12345 EUR {PO}"
PAYOUT = P.event("payout.paid", 600, {
    "id": PO, "object": "payout", "amount": AMOUNT, "currency": "eur", "arrival_date": BEGAN + 300,
    "status": "paid", "method": "standard", "metadata": {"merchant_id": "m-1", "payout_id": "po-1"},
})  # fmt: skip
SESSION = P.event("checkout.session.expired", 600, {
    "id": "cs_1", "object": "checkout.session", "amount_total": AMOUNT, "currency": "eur",
    "metadata": our_ids("m-1", "pay-1"),
})  # fmt: skip
OPENED, WON = f"dispute_opened 11845 EUR {PI} {DP}", f"dispute_won 11845 EUR {PI} {DP}"
REFUNDED = f"refunded 500 EUR {PI} {RE}"
EVENTS = [
    (INTENT, [f"authorized 12345 EUR {PI}"]),
    (of(INTENT, "payment_intent.requires_action"), [f"action_required 12345 EUR {PI}"]),
    (of(INTENT, "payment_intent.payment_failed"), [f"failed 12345 EUR {PI}"]),
    (of(INTENT, "payment_intent.succeeded", amount_received=9000), [f"captured 9000 EUR {PI}"]),
    (P.canceled(), [f"voided 12345 EUR {PI}"]),
    (P.canceled("automatic"), [f"expired 12345 EUR {PI}"]),
    (CHARGE, [f"captured 12345 EUR {PI}"]),
    (of(CHARGE, amount_captured=100), [f"captured 100 EUR {PI}"]),
    (of(CHARGE, "charge.succeeded"), [f"captured 12345 EUR {PI}"]),
    (of(CHARGE, "charge.succeeded", captured=False, amount_captured=0), [f"authorized 12345 EUR {PI}"]),
    (of(CHARGE, payment_intent=None), [f"captured 12345 EUR {CH}"]),
    (of(CHARGE, payment_intent={"id": PI, "object": "payment_intent"}), [f"captured 12345 EUR {PI}"]),
    (of(CHARGE, "charge.failed"), [f"failed 12345 EUR {PI}"]),
    (of(CHARGE, "charge.expired"), [f"expired 12345 EUR {PI}"]),
    (of(CHARGE, "charge.refunded"), ["ignored"]),
    (of(CHARGE, "charge.refunded", refunds={"data": [REFUND["data"]["object"]]}), [REFUNDED]),
    (REFUND, [REFUNDED]),
    (of(REFUND, "refund.updated"), [REFUNDED]),
    (of(REFUND, "charge.refund.updated", status="pending"), ["ignored"]),
    (of(REFUND, status="requires_action"), ["ignored"]),
    (of(REFUND, "refund.failed", status="failed"), [f"refund_failed 500 EUR {PI} {RE}"]),
    (of(REFUND, "refund.updated", status="canceled"), [f"refund_failed 500 EUR {PI} {RE}"]),
    (DISPUTE, [OPENED]),
    (of(DISPUTE, "charge.dispute.updated", status="under_review"), [OPENED]),
    (of(DISPUTE, balance_transactions=[]), ["ignored"]),
    (of(DISPUTE, "charge.dispute.funds_withdrawn", balance_transactions=[]), [OPENED]),
    (of(DISPUTE, status="warning_needs_response", balance_transactions=[]), ["ignored"]),
    (of(DISPUTE, "charge.dispute.closed", status="warning_closed"), ["ignored"]),
    (PAYOUT, [f"payout_paid 12345 EUR {PO}"]),
    (of(PAYOUT, metadata={}), ["ignored"]),
    (of(PAYOUT, metadata={"merchant_id": "m-1"}), ["ignored"]),
    (of(PAYOUT, "payout.updated", status="in_transit"), ["ignored"]),
    (of(PAYOUT, "payout.canceled", status="canceled"), [PO_FAILED]),
    (of(PAYOUT, "payout.failed", status="failed"), [f"payout_returned 12345 EUR {PO}"]),
    (of(PAYOUT, "payout.failed", status="failed", arrival_date=BEGAN + 900), [PO_FAILED]),
    (of(PAYOUT, "payout.failed", status="failed", method="instant"), [PO_FAILED]),
    (SESSION, ["failed 12345 EUR cs_1"]),
    (of(SESSION, payment_intent=PI), [f"failed 12345 EUR {PI}"]),
    (of(SESSION, metadata={}), ["ignored"]),
    (of(SESSION, amount_total=None), ["ignored"]),
    (P.dispute_closed("won"), [OPENED, WON]),
    (P.dispute_closed("lost"), [OPENED, f"dispute_lost 11845 EUR {PI} {DP}"]),
    (of(P.dispute_closed("won"), "charge.dispute.funds_reinstated"), [OPENED, WON]),
]  # fmt: skip


@pytest.mark.parametrize(("event", "lines"), EVENTS, ids=[event["type"] for event, _ in EVENTS])
def test_events(event: dict[str, Any], lines: list[str]) -> None:
    assert report("stripe", encoded(event)) == lines


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (of(REFUND, status="lost"), "status 'lost' of refund re_"),
        (of(REFUND, status=None), "status None of refund re_"),
        (of(REFUND, charge=None, payment_intent=None), "neither payment_intent nor charge"),
        (of(DISPUTE, status="prevented"), "status 'prevented' of dispute dp_"),
        (of(DISPUTE, id=None, charge=None), "neither payment_intent nor charge"),
        (of(INTENT, "payment_intent.succeeded", amount_received=0), "captured: .* >= 1"),
        (of(INTENT, amount=-1), "authorized: .* >= 1"),
        (of(INTENT, amount="12345"), "Expected `int`"),
        (of(INTENT, amount=1.5), "Expected `int`"),
    ],
)
def test_what_is_unclear_is_not_guessed(event: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        report("stripe", encoded(event))


def test_every_parsed_type_has_a_row() -> None:
    assert {event["type"] for event, _ in EVENTS} == set(READERS)


@pytest.mark.parametrize(
    ("currency", "sent", "worth"),
    [
        ("eur", 1050, 1050),  # 10.50
        ("jpy", 500, 500),
        ("krw", 500, 500),
        ("mga", 500, 50_000),  # no decimals at Stripe, two in ISO 4217
        ("isk", 50_000, 500),  # two decimals at Stripe, none in ISO 4217
        ("ugx", 50_000, 500),
        ("huf", 1000, 1000),
        ("twd", 1000, 1000),
        ("kwd", 5120, 5120),
        ("xof", 500, 500),
    ],
)
def test_amounts(currency: str, sent: int, worth: int) -> None:
    assert report("stripe", encoded(of(INTENT, currency=currency, amount=sent))) == [
        f"authorized {worth} {currency.upper()} {PI}"
    ]


def test_a_fraction_that_the_currency_does_not_have_is_refused() -> None:
    with pytest.raises(Unreadable, match="amount 50050 of ISK has a fraction"):
        report("stripe", encoded(of(INTENT, currency="isk", amount=50_050)))


def test_a_disputes_fee_and_dates() -> None:
    opened, won = facts_of(stripe_delivery(P.dispute_closed("won"), BEGAN))
    assert (opened.fee, won.fee) == (FEE, FEE)
    assert opened.reason == "fraudulent"
    assert opened.occurred_at.timestamp() == BEGAN + 180
    assert won.occurred_at.timestamp() == BEGAN + 239


def test_a_fee_in_another_currency_is_not_taken_for_one_in_the_disputes() -> None:
    moved = [{"amount": -AMOUNT, "currency": "usd", "created": BEGAN, "fee": FEE}]
    (opened,) = facts_of(stripe_delivery(of(DISPUTE, balance_transactions=moved), BEGAN))
    assert (opened.fee, opened.currency) == (0, "EUR")


def test_our_ids_come_from_metadata() -> None:
    ours = {**our_ids("m-1", "pay-1"), "invoice_id": "INV-1", "capture_id": "cap-2", "refund_id": "re-2"}
    (captured,) = facts_of(stripe_delivery(StripePayment(1, ours).charge_captured(), BEGAN))
    assert (captured.merchant_id, captured.payment_id) == ("m-1", "pay-1")
    assert (captured.object_id, captured.order_ref, captured.invoice_id) == ("cap-2", "o-pay-1", "INV-1")
    (refunded,) = facts_of(stripe_delivery(of(REFUND, metadata=ours), BEGAN))
    assert refunded.object_id == "re-2"


def test_a_declined_payment_says_why() -> None:
    fault = {"code": "card_declined", "decline_code": "insufficient_funds"}
    event = of(INTENT, "payment_intent.payment_failed", last_payment_error=fault)
    (failed,) = facts_of(stripe_delivery(event, BEGAN))
    assert failed.reason == "insufficient_funds"


def test_a_payout_and_a_page_name_what_is_ours() -> None:
    (paid,) = facts_of(stripe_delivery(PAYOUT, BEGAN))
    assert (paid.merchant_id, paid.payment_id, paid.object_id) == ("m-1", "po-1", None)
    (failed,) = facts_of(stripe_delivery(of(PAYOUT, status="failed", failure_code="account_closed"), BEGAN))
    assert failed.reason == "account_closed"
    (unpaid,) = facts_of(stripe_delivery(SESSION, BEGAN))
    assert (unpaid.merchant_id, unpaid.payment_id) == ("m-1", "pay-1")
    assert unpaid.reason == "checkout_session_expired"


def test_a_payout_in_a_state_that_is_unknown_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match="status 'lost' of payout po_"):
        report("stripe", encoded(of(PAYOUT, status="lost")))
