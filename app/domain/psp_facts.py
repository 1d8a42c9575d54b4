"""What a PSP says happened, in one shape for all PSPs: what adapters parse webhooks into.

A fact that names our ids goes straight to the merchant lane; any other is addressed by the matching lane's
directory, which knows a PSP's ids. `to_command` gives it the form of the merchant lane's own records.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from app.domain.command_base import MerchantCommand
from app.domain.commands import (
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentExpired,
    PaymentFact,
    PaymentFailed,
    PaymentRecord,
    PaymentVoided,
    PayoutFact,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    RefundFailed,
    RefundRecord,
)
from app.domain.fields import Amount, Currency, Id, Moment, NonNegative
from app.domain.money import check_currency

PspFactKind = Literal[
    "authorized",
    "action_required",
    "failed",
    "voided",
    "expired",
    "captured",
    "refunded",
    "refund_failed",
    "dispute_opened",
    "dispute_won",
    "dispute_lost",
    "payout_paid",
    "payout_failed",
    "payout_returned",
]
KINDS = get_args(PspFactKind)


class PspFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Amounts in minor units of `currency` (ISO 4217), already converted from the PSP's own notion."""

    kind: PspFactKind
    psp: Id
    psp_payment_id: Id
    """The PSP's id of the payment: by it the directory finds whose it is. Of a payout: the payout's."""
    psp_object_id: Id | None = None
    """The PSP's id of the capture, refund or dispute; a capture without one goes by the payment's."""
    amount: Amount
    currency: Currency
    occurred_at: Moment
    fee: NonNegative = 0
    """`dispute_opened`: the dispute fee; `dispute_won`: what of it came back; `payout_paid`: the bank's."""
    reason: str | None = None
    method: str | None = None
    merchant_id: Id | None = None
    payment_id: Id | None = None
    """Of a payout: our id of it."""
    object_id: Id | None = None
    """Our own id of the capture, refund or dispute, where the PSP carries it."""
    order_ref: Id | None = None
    invoice_id: Id | None = None

    def __post_init__(self) -> None:
        check_currency(self.currency)
        named = self.psp_object_id or self.object_id
        if named is None and self.kind.startswith(("refund", "dispute")):
            raise ValueError("a refund or dispute must have an id of its own")


def is_addressed(fact: PspFact) -> bool:
    """Whether it names our merchant and payment, so that nobody has to be asked."""
    return fact.merchant_id is not None and fact.payment_id is not None


def to_command(fact: PspFact, record_id: str, merchant_id: str, payment_id: str) -> MerchantCommand:
    """The merchant lane's record of this fact, under `record_id`; of a payout `payment_id` is its id."""
    if fact.kind.startswith("payout"):
        return _payout(fact, record_id, merchant_id, payment_id)
    common: dict[str, Any] = {
        "id": record_id,
        "merchant_id": merchant_id,
        "payment_id": payment_id,
        "amount": fact.amount,
        "currency": fact.currency,
        "occurred_at": fact.occurred_at,
    }
    if fact.kind == "captured":
        return _capture(fact, common, payment_id)
    if fact.kind in _PAYMENT_FACTS:
        kind: type[PaymentFact] = _PAYMENT_FACTS[fact.kind]
        return kind(
            **common,
            psp=fact.psp,
            psp_payment_id=fact.psp_payment_id,
            order_ref=fact.order_ref,
            invoice_id=fact.invoice_id,
            reason=fact.reason,
        )
    if fact.kind.startswith("refund"):
        return _refund(fact, common)
    return _dispute(fact, common)


_PAYMENT_FACTS: dict[str, type[PaymentFact]] = {
    "authorized": PaymentAuthorized,
    "action_required": PaymentActionRequired,
    "failed": PaymentFailed,
    "voided": PaymentVoided,
    "expired": PaymentExpired,
}


def _capture(fact: PspFact, common: dict[str, Any], payment_id: str) -> PaymentRecord:
    capture_id = fact.object_id or payment_id
    if fact.object_id is None and fact.psp_object_id not in (None, fact.psp_payment_id):
        capture_id = f"{payment_id}@{fact.psp_object_id}"
    return PaymentRecord(
        **common,
        capture_id=capture_id,
        psp=fact.psp,
        psp_payment_id=fact.psp_payment_id,
        psp_capture_id=fact.psp_object_id or fact.psp_payment_id,
        method=fact.method,
        order_ref=fact.order_ref,
        invoice_id=fact.invoice_id,
    )


def _refund(fact: PspFact, common: dict[str, Any]) -> MerchantCommand:
    common |= {"refund_id": fact.object_id or fact.psp_object_id, "psp_refund_id": fact.psp_object_id}
    if fact.kind == "refunded":
        return RefundRecord(**common)
    return RefundFailed(**common, reason=fact.reason)


def _dispute(fact: PspFact, common: dict[str, Any]) -> MerchantCommand:
    common |= {"dispute_id": fact.object_id or fact.psp_object_id, "psp_dispute_id": fact.psp_object_id}
    if fact.kind == "dispute_opened":
        return DisputeOpened(**common, fee=fact.fee, reason=fact.reason)
    if fact.kind == "dispute_won":
        return DisputeWon(**common, fee_returned=fact.fee)
    return DisputeLost(**common)


def _payout(fact: PspFact, record_id: str, merchant_id: str, payout_id: str) -> PayoutFact:
    common: dict[str, Any] = {
        "id": record_id,
        "merchant_id": merchant_id,
        "payout_id": payout_id,
        "psp_payout_id": fact.psp_payment_id,
        "occurred_at": fact.occurred_at,
    }
    if fact.kind == "payout_paid":
        return PayoutPaid(**common, bank_fee=fact.fee)
    failed = PayoutFailed if fact.kind == "payout_failed" else PayoutReturned
    return failed(**common, reason=fact.reason)
