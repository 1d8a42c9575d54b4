"""Calls of one payment, and what Adyen's API answers to them."""

from __future__ import annotations

from typing import Any

from app.domain.psp_calls import PspAnswer, PspCall
from app.psp.adapter import Access
from app.psp.adyen_calls import connect
from tests.support.psp_payments import AMOUNT, REFUNDED, AdyenPayment, our_ids
from tests.support.psp_server import PspServer, Respond

Json = dict[str, Any]
P = AdyenPayment(7, our_ids("m-1", "pay-1"))
PAY, MOD = P.reference, "MOD0000000000007"
KEYS = "checkout-key,transfers-key"
ACCOUNT = "TallystickEU/BA0000000000001"


def call(operation: str, **fields: Any) -> PspCall:
    own = {"capture": "cap-1", "refund": "re-1", "payout": "po-1"}.get(operation, "pay-1")
    known = operation in ("capture", "void", "refund", "get")
    stated: Json = {
        "psp": "adyen",
        "operation": operation,
        "merchant_id": "m-1",
        "payment_id": None if operation == "payout" else "pay-1",
        "object_id": own,
        "amount": REFUNDED if operation == "refund" else AMOUNT,
        "currency": "EUR",
        "psp_payment_id": PAY if known else None,
        "order_ref": "o-pay-1",
        "payment_method": "shopper-1/M5N7TQ4TG5PFWR50" if operation == "authorize" else None,
        "return_url": "https://shop.test/r" if operation in ("session", "authorize") else None,
        "destination": "SE0000000000001" if operation == "payout" else None,
    }
    return PspCall(**stated | fields)


async def answer(
    psp: PspServer, asked: PspCall, *answers: Respond, account: str | None = ACCOUNT, seconds: float = 20
) -> PspAnswer:
    psp.says += answers
    access = Access(KEYS, psp.url, account, timeout_seconds=seconds)
    return await connect(access, psp.session).perform(asked)


def payment(result: str, **fields: Any) -> Json:
    amount = {"value": AMOUNT, "currency": "EUR"}
    return {
        "pspReference": PAY,
        "resultCode": result,
        "amount": amount,
        "merchantReference": "o-pay-1",
        **fields,
    }


def received(what: str = "captures") -> Json:
    return {"pspReference": MOD, "paymentPspReference": PAY, "status": "received", "merchantAccount": what}


def transfer(status: str, *events: str, **fields: Any) -> Json:
    return {
        "id": "TR0000000000007",
        "amount": {"value": AMOUNT, "currency": "EUR"},
        "status": status,
        "reference": "payout_id:m-1/po-1",
        "category": "bank",
        "events": [{"status": each, "type": "accounting"} for each in events],
        **fields,
    }
