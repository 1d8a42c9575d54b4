"""Calls of one payment, and what Stripe's API answers to them."""

from __future__ import annotations

from typing import Any

from app.domain.psp_calls import PspAnswer, PspCall
from app.psp.adapter import Access
from app.psp.stripe_calls import connect
from tests.support.psp_payments import AMOUNT, BEGAN, REFUNDED, StripePayment, our_ids
from tests.support.psp_server import PspServer, Respond, says

Json = dict[str, Any]
P = StripePayment(7, our_ids("m-1", "pay-1"))
KEY = "sk_test_of_the_tests"


def call(operation: str, **fields: Any) -> PspCall:
    own = {"capture": "cap-1", "refund": "re-1", "payout": "po-1"}.get(operation, "pay-1")
    known = operation in ("capture", "void", "refund", "get")
    stated: Json = {
        "psp": "stripe",
        "operation": operation,
        "merchant_id": "m-1",
        "payment_id": None if operation == "payout" else "pay-1",
        "object_id": own,
        "amount": REFUNDED if operation == "refund" else AMOUNT,
        "currency": "EUR",
        "psp_payment_id": P.intent if known else None,
        "order_ref": "o-pay-1",
    }
    return PspCall(**stated | fields)


async def answer(psp: PspServer, asked: PspCall, *answers: Respond, seconds: float = 20) -> PspAnswer:
    psp.says += answers
    return await connect(Access(KEY, psp.url, timeout_seconds=seconds), psp.session).perform(asked)


def thing(event: Json, **fields: Any) -> Json:
    """The object that an event is about, as an answer has it."""
    return {**event["data"]["object"], **fields}


def intent(status: str, **fields: Any) -> Json:
    return thing(P.authorized(), status=status, **fields)


def error(status: int, **fields: Any) -> Respond:
    return says(status, {"error": fields})


CAPTURED = {**P.metadata, "capture_id": "cap-1"}
REFUND = {**P.metadata, "refund_id": "re-1"}
PAYOUT = {
    "id": "po_1",
    "object": "payout",
    "amount": AMOUNT,
    "currency": "eur",
    "created": BEGAN,
    "arrival_date": BEGAN + 86_400,
    "status": "pending",
    "metadata": {"merchant_id": "m-1", "payout_id": "po-1", "order_ref": "o-pay-1"},
}

FAILED = P.event(
    "payment_intent.payment_failed",
    2,
    intent("requires_payment_method", last_payment_error={"decline_code": "insufficient_funds"}),
)
