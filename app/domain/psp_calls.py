"""What is asked of a PSP, and its answer: the same shapes for all PSPs.

A call carries our ids; `idempotency_key` makes its repeats one operation at the PSP. An answer says what the
asker does next: it is done, it was declined, ask again later, nobody knows (ask again until known), or the
installation is misconfigured. What happened is a `PspFact`, the same one a webhook would bring.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import msgspec

from app.domain.command_base import MerchantCommand
from app.domain.fields import Amount, Currency, Id, LongId, Moment
from app.domain.psp_facts import PspFact

Operation = Literal["session", "authorize", "capture", "void", "refund", "payout", "get"]
AnswerKind = Literal["done", "declined", "retry", "unknown", "misconfigured"]


class PspCall(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="psp.call", omit_defaults=True
):
    """One operation at one PSP. `amount` in minor units of `currency`; for `void` what was authorised.

    `session` makes a hosted page; `get` asks what has become of the payment and moves nothing.
    """

    psp: Id
    operation: Operation
    merchant_id: Id
    payment_id: Id | None = None
    """None for a payout."""
    object_id: Id
    """Our id of what is made: the payment's for `session`, `authorize`, `void` and `get`, else the capture's,
    refund's or payout's."""
    amount: Amount
    currency: Currency
    capture: bool = True
    """`session`, `authorize`: whether the PSP takes the money at once."""
    psp_payment_id: Id | None = None
    """The PSP's id of the payment that is captured, voided, refunded or asked about."""
    payment_method: Id | None = None
    """The PSP's own token of a means of payment. Never a card number."""
    return_url: str | None = None
    """Where the PSP sends the payer's browser afterwards."""
    order_ref: Id | None = None
    invoice_id: Id | None = None
    description: str | None = None
    destination: Id | None = None
    """`payout`: the PSP's id of the account to pay to; None: the one it knows."""


class PspAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a PSP answered, or that it did not.

    * `done`: `facts` is what happened; empty where the PSP has accepted and will tell by webhook.
    * `declined`: final, `reason` in the PSP's words (or its code).
    * `retry`: nothing happened there (429, 503, no connection); `retry_after_seconds` if it said when.
    * `unknown`: it may have happened (a time-out, a 500, no readable answer): ask again, same key.
    * `misconfigured`: no repeat will help (401, 404, an unknown currency …); `reason` names what is wrong.
    """

    kind: AnswerKind
    facts: tuple[PspFact, ...] = ()
    psp_object_id: Id | None = None
    """The PSP's id of what was made (session, payment, capture, refund, payout)."""
    url: str | None = None
    """Where the payer has to go: the hosted page, or a 3-D Secure step."""
    reason: str | None = None
    retry_after_seconds: float | None = None


class PspAnswered(MerchantCommand, frozen=True, kw_only=True, tag="psp.answered"):
    """The executor's record to the merchant lane: what came of a call. `gave_up`: no attempt is left."""

    effect_id: LongId
    psp: Id
    operation: Operation
    payment_id: Id | None = None
    object_id: Id
    outcome: Literal["done", "declined", "unknown", "misconfigured", "gave_up"]
    facts: tuple[PspFact, ...] = ()
    psp_object_id: Id | None = None
    url: str | None = None
    reason: str | None = None
    answered_at: Moment


def idempotency_key(call: PspCall) -> str:
    """The same for every attempt of one operation, of no other; 64 characters, which is Adyen's limit.

    A digest: ids may be longer than that together, and cut off they would make one key of two operations.
    """
    named = [call.operation, call.merchant_id, call.payment_id or "", call.object_id]
    return sha256(msgspec.json.encode(named)).hexdigest()


def metadata(call: PspCall) -> dict[str, Any]:
    """Our ids for the PSP's object; webhook parsers read them back (`app/psp/reading.ours`)."""
    own = {"capture": "capture_id", "refund": "refund_id", "payout": "payout_id"}.get(call.operation)
    named = {
        "merchant_id": call.merchant_id,
        "payment_id": call.payment_id,
        "order_ref": call.order_ref,
        "invoice_id": call.invoice_id,
        **({own: call.object_id} if own else {}),
    }
    return {name: value for name, value in named.items() if value}
