"""Our calls as Adyen's requests: Checkout API v71, Transfers API v4 for payouts. Amounts in Adyen's units.

Adyen gives `metadata` back with AUTHORISATION only; a capture's or refund's webhook has the `reference` of
its request instead, so ours is `capture_id:…` or `refund_id:…` (`adyen_items.own_id_of` reads it back).
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from app.domain.psp_calls import PspCall, metadata
from app.psp.adyen_items import EXPONENTS, PAYOUT_REFERENCE, REFERENCES
from app.psp.answers import Answered, ended
from app.psp.reading import NotPayable, psp_units

LONGEST: Final = 80
"""Of a reference, and of a value of the metadata."""
NEEDED: Final = ("merchant_id", "payment_id")
Json = dict[str, Any]


def session(call: PspCall, account: str) -> Json:
    """Adyen's hosted page."""
    return {"mode": "hosted", **_payment(call, account)}


def authorize(call: PspCall, account: str) -> Json:
    """`payment_method` is `{shopperReference}/{storedPaymentMethodId}`: a token belongs to a shopper."""
    shopper, _, token = (call.payment_method or "").partition("/")
    if not token:
        raise NotPayable("payment_method must be a shopper's reference, a slash and the stored method's id")
    stored = {"storedPaymentMethodId": token}
    return {
        **_payment(call, account),
        "paymentMethod": stored,
        "shopperReference": shopper,
        "shopperInteraction": "ContAuth",
        "recurringProcessingModel": "CardOnFile",
    }


def _payment(call: PspCall, account: str) -> Json:
    if call.return_url is None:
        raise NotPayable("Adyen needs a return_url")
    captured = {"captureDelayHours": 0} if call.capture else {"additionalData": {"manualCapture": "true"}}
    reference = call.order_ref or call.object_id
    return {
        "merchantAccount": account,
        "amount": amount(call),
        "reference": reference if len(reference) <= LONGEST else call.object_id[:LONGEST],
        "returnUrl": call.return_url,
        "metadata": short_metadata(call),
        **captured,
    }


def modification(call: PspCall, account: str) -> Json:
    """A capture, a cancellation (which has no amount) or a refund."""
    own = REFERENCES.get(call.operation)
    reference = f"{own}{call.object_id}" if own else call.object_id
    return {
        "merchantAccount": account,
        **({} if call.operation == "void" else {"amount": amount(call)}),
        **({"reference": reference} if len(reference) <= LONGEST else {}),
    }


def transfer(call: PspCall, balance_account: str) -> Json:
    """A payout from our balance account to a transfer instrument."""
    reference = f"{PAYOUT_REFERENCE}{call.merchant_id}/{call.object_id}"
    if call.destination is None:
        raise Answered(ended("misconfigured", "payout: the transfer instrument (destination) is missing"))
    if len(reference) > LONGEST:
        raise Answered(ended("misconfigured", f"payout: {LONGEST} characters do not hold our ids"))
    return {
        "amount": amount(call),
        "balanceAccountId": balance_account,
        "category": "bank",
        "counterparty": {"transferInstrumentId": call.destination},
        "priority": "regular",
        "reference": reference,
        **({"description": call.description[:140]} if call.description else {}),
    }


def amount(call: PspCall) -> Json:
    return {"value": psp_units(call.amount, call.currency, EXPONENTS), "currency": call.currency}


def short_metadata(call: PspCall) -> dict[str, str]:
    """Our ids, as far as Adyen holds them. Raises Answered where one that is needed is too long."""
    named = metadata(call)
    if any(len(named.get(name, "")) > LONGEST for name in NEEDED):
        raise Answered(ended("misconfigured", f"Adyen's metadata do not hold ids over {LONGEST} characters"))
    return {name: value for name, value in named.items() if len(value) <= LONGEST}


def path(call: PspCall) -> str:
    """Where a modification of the payment goes. Raises Answered without the PSP's id of it."""
    if call.psp_payment_id is None:
        raise Answered(ended("misconfigured", f"{call.operation}: the PSP's id of the payment is missing"))
    what = {"capture": "captures", "void": "cancels", "refund": "refunds"}[call.operation]
    return f"payments/{quote(call.psp_payment_id, safe='')}/{what}"
