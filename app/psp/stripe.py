"""Stripe: its signature scheme, its currencies, and which of its events say what about a payment.

`Stripe-Signature: t=<epoch seconds>,v1=<hex>[,v1=<hex>…]`; signed is `{t}.{body}` with the whole secret as
the key (docs.stripe.com/webhooks). A capture goes under its PaymentIntent's id, so that
`payment_intent.succeeded` and `charge.succeeded` are one fact; a charge without one goes under its own.

Our ids come from `metadata`. Stripe copies a PaymentIntent's to its charges, not to refunds and disputes:
those are found by the PaymentIntent's id unless the refund was created with ids of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from app.domain.psp_facts import PspFact
from app.psp.adapter import Adapter, EventIgnored, Headers, Parsed, Unreadable, why_ignored
from app.psp.reading import decode
from app.psp.signatures import any_equal, is_fresh, sha256_hex
from app.psp.stripe_calls import connect
from app.psp.stripe_disputes import dispute
from app.psp.stripe_objects import NAME, Event
from app.psp.stripe_payments import (
    charge_captured,
    charge_expired,
    charge_failed,
    charge_refunded,
    charge_succeeded,
    intent_action,
    intent_authorized,
    intent_canceled,
    intent_captured,
    intent_failed,
    refund,
)
from app.psp.stripe_payouts import payout, session_expired

HEADER: Final = "stripe-signature"

READERS: Final[Mapping[str, Callable[[Event], list[PspFact]]]] = {
    "payment_intent.amount_capturable_updated": intent_authorized,
    "payment_intent.succeeded": intent_captured,
    "payment_intent.canceled": intent_canceled,
    "payment_intent.payment_failed": intent_failed,
    "payment_intent.requires_action": intent_action,
    "charge.succeeded": charge_succeeded,
    "charge.captured": charge_captured,
    "charge.failed": charge_failed,
    "charge.expired": charge_expired,
    "charge.refunded": charge_refunded,
    "charge.refund.updated": refund,
    "refund.created": refund,
    "refund.updated": refund,
    "refund.failed": refund,
    "charge.dispute.created": dispute,
    "charge.dispute.updated": dispute,
    "charge.dispute.funds_withdrawn": dispute,
    "charge.dispute.funds_reinstated": dispute,
    "charge.dispute.closed": dispute,
    "checkout.session.expired": session_expired,
    "payout.canceled": payout,
    "payout.failed": payout,
    "payout.paid": payout,
    "payout.updated": payout,
}

_BY_THE_PAYMENT: Final = "its money is reported by the events of its payment_intent"
_OUR_BALANCE: Final = "moves money between us and Stripe: the settlement file and the bank say so"
_NO_MONEY: Final = "moves no money"
IGNORED: Final = {
    "payment_intent.created": "nothing has happened to money yet",
    "payment_intent.processing": "not decided yet",
    "payment_intent.partially_funded": "not decided yet",
    "charge.pending": "not decided yet",
    "charge.updated": "a change of its description or metadata",
    "checkout.session.*": _BY_THE_PAYMENT,
    "invoice.*": _BY_THE_PAYMENT,
    "invoiceitem.*": _NO_MONEY,
    "payment_link.*": _NO_MONEY,
    "customer.*": _NO_MONEY,
    "subscription_schedule.*": _NO_MONEY,
    "setup_intent.*": _NO_MONEY,
    "payment_method.*": _NO_MONEY,
    "mandate.*": _NO_MONEY,
    "source.*": _NO_MONEY,
    "product.*": _NO_MONEY,
    "price.*": _NO_MONEY,
    "plan.*": _NO_MONEY,
    "coupon.*": _NO_MONEY,
    "promotion_code.*": _NO_MONEY,
    "tax_rate.*": _NO_MONEY,
    "quote.*": _NO_MONEY,
    "account.*": _NO_MONEY,
    "capability.*": _NO_MONEY,
    "person.*": _NO_MONEY,
    "file.*": _NO_MONEY,
    "review.*": _NO_MONEY,
    "radar.*": "a warning; a dispute would say so itself",
    "reporting.*": _NO_MONEY,
    "terminal.*": _NO_MONEY,
    "balance.*": _OUR_BALANCE,
    "payout.*": _OUR_BALANCE,
    "transfer.*": _OUR_BALANCE,
    "topup.*": _OUR_BALANCE,
    "application_fee.*": _OUR_BALANCE,
}


def key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        raise ValueError("the secret must begin with whsec_")
    return secret.encode()


def verify(headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> bool:
    parts = [part.partition("=") for part in headers.get(HEADER, "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not is_fresh(times[0], now):
        return False
    signed = times[0].encode() + b"." + body
    signatures = [value for name, _, value in parts if name == "v1"]
    return any_equal(signatures, [sha256_hex(each, signed) for each in keys])


def parse(headers: Headers, body: bytes) -> Parsed:
    event = decode(body, Event)
    read = READERS.get(event.type)
    if read is not None:
        return [(event.id, fact) for fact in read(event)]
    reason = why_ignored(IGNORED, event.type)
    if reason is not None:
        raise EventIgnored(f"{event.type}: {reason}")
    raise Unreadable(f"type: {event.type!r} is not known")


ADAPTER: Final = Adapter(
    name=NAME,
    headers=(HEADER,),
    key=key,
    verify=verify,
    parse=parse,
    ignored=IGNORED,
    connect=connect,
    keys_kept=timedelta(hours=24),
)
