"""Bodies of webhooks: what a PSP says, in the PSP's own words (Stripe's events, and the sandbox PSP's)."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson

from app.demo.stream import Document


class Told(NamedTuple):
    """What happened at a PSP, minor units of `currency`. `ours`: the ids that we attached to its object."""

    kind: str
    """`authorized`, `captured`, `voided`, `expired`, `failed`, `refunded`, `refund_failed` or `dispute_…`."""
    payment_id: str
    """The PSP's."""
    amount: int
    currency: str
    moment: str
    epoch: int
    """The same moment in whole seconds."""
    object_id: str | None = None
    """The PSP's id of a refund or dispute."""
    fee: int = 0
    fee_returned: int = 0
    opened_epoch: int = 0
    """Of a dispute's outcome: when it was opened."""
    ours: dict[str, str] | None = None


SANDBOX: Final = {
    "authorized": "payment.authorized",
    "captured": "payment.captured",
    "voided": "payment.voided",
    "expired": "payment.expired",
    "failed": "payment.failed",
    "refunded": "refund.succeeded",
    "refund_failed": "refund.failed",
    "dispute_opened": "dispute.opened",
    "dispute_won": "dispute.won",
    "dispute_lost": "dispute.lost",
}
STRIPE: Final = {
    "authorized": "payment_intent.amount_capturable_updated",
    "captured": "payment_intent.succeeded",
    "voided": "payment_intent.canceled",
    "expired": "payment_intent.canceled",
    "failed": "payment_intent.payment_failed",
    "refunded": "refund.created",
    "refund_failed": "refund.failed",
    "dispute_opened": "charge.dispute.funds_withdrawn",
    "dispute_won": "charge.dispute.closed",
    "dispute_lost": "charge.dispute.closed",
}
REASONS: Final = {"voided": "requested_by_customer", "expired": "automatic"}


def body(psp: str, event_id: str, told: Told, waiting: int = 0) -> bytes:
    """One event of `psp`. `waiting`: a counter that Stripe changes from one delivery to the next."""
    if psp == "sandbox":
        return orjson.dumps(_sandbox(told))
    return orjson.dumps(
        {
            "id": event_id,
            "object": "event",
            "type": STRIPE[told.kind],
            "created": told.epoch,
            "pending_webhooks": waiting,
            "data": {"object": _stripe_object(told)},
        }
    )


def unreadable(psp: str, event_id: str, epoch: int) -> bytes:
    """An event of a type that nobody has heard of."""
    document: Document = {"id": event_id, "type": "payment.teleported", "created": epoch}
    if psp == "sandbox":
        return orjson.dumps({**document, "timestamp": "2026-01-01T00:00:00Z", "data": {}})
    return orjson.dumps({**document, "data": {"object": {}}})


def _sandbox(told: Told) -> Document:
    data: Document = {
        "psp_payment_id": told.payment_id,
        "amount": told.amount,
        "currency": told.currency,
        "fee": told.fee_returned if told.kind == "dispute_won" else told.fee,
        **(told.ours or {}),
    }
    if told.object_id is not None:
        data["psp_object_id"] = told.object_id
    return {"type": SANDBOX[told.kind], "timestamp": told.moment, "data": data}


def _stripe_object(told: Told) -> Document:
    if told.kind.startswith("dispute"):
        return _stripe_dispute(told)
    common: Document = {"amount": told.amount, "currency": told.currency.lower(), "metadata": told.ours or {}}
    if told.kind.startswith("refund"):
        status = "succeeded" if told.kind == "refunded" else "failed"
        return {
            "id": told.object_id,
            "object": "refund",
            "created": told.epoch,
            "status": status,
            "payment_intent": told.payment_id,
            **common,
        }
    return {
        "id": told.payment_id,
        "object": "payment_intent",
        "amount_received": told.amount if told.kind == "captured" else 0,
        "cancellation_reason": REASONS.get(told.kind),
        **common,
    }


def _stripe_dispute(told: Told) -> Document:
    """With what it took and gave back, as balance transactions."""
    currency, opened = told.currency.lower(), told.opened_epoch or told.epoch
    movements = [{"amount": -told.amount, "currency": currency, "created": opened, "fee": told.fee}]
    if told.kind == "dispute_won":
        back = {"amount": told.amount, "currency": currency, "created": told.epoch, "fee": -told.fee_returned}
        movements.append(back)
    status = {"dispute_opened": "needs_response", "dispute_won": "won", "dispute_lost": "lost"}[told.kind]
    return {
        "id": told.object_id,
        "object": "dispute",
        "amount": told.amount,
        "currency": currency,
        "created": opened,
        "status": status,
        "reason": "fraudulent",
        "payment_intent": told.payment_id,
        "metadata": told.ours or {},
        "balance_transactions": movements,
    }
