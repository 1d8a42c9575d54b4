"""Which refund a record speaks of: the one with the PSP's id, else the one with ours.

It may be kept under another payment than the record names.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.domain.commands import RefundFailed, RefundRecord
from app.domain.decision import Draft
from app.domain.dedup import refund_claims
from app.domain.payment import Payment, payment_ref

RefundFact = RefundRecord | RefundFailed


class KeptRefund(NamedTuple):
    payment: Payment
    key: str
    """Its key in `payment.refunds`."""


def find_refund(draft: Draft, named: Payment, command: RefundFact) -> KeptRefund | None:
    """The refund that `command`, which names the payment `named`, is another fact of."""
    for payment in _candidates(draft, named, command):
        key = _kept_as(payment, named.psp, command)
        if key is not None:
            return KeptRefund(payment, key)
    return None


def free_key(payment: Payment, command: RefundFact) -> str:
    """Our refund id, or with the PSP's where two PSP objects were reported under one id of ours."""
    key = command.refund_id
    return key if key not in payment.refunds else f"{key}@{command.psp_refund_id}"


def _candidates(draft: Draft, named: Payment, command: RefundFact) -> Iterator[Payment]:
    """Payments that may hold it: who claimed its identities, strongest first, then its own."""
    for claim in refund_claims(command):
        owner: str | None = draft.get(claim)
        if owner is not None and owner != named.id:
            yield draft.get(payment_ref(named.merchant_id, owner))
    yield named


def _kept_as(payment: Payment, psp: str, command: RefundFact) -> str | None:
    """Under which refund id this fact, of a payment at `psp`, is kept already."""
    own = payment.refunds.get(command.refund_id)
    if command.psp_refund_id is None:
        return None if own is None else command.refund_id
    for key, refund in payment.refunds.items():
        if refund.psp_refund_id == command.psp_refund_id and refund.psp == psp:
            return key
    for asked in payment.asked.values():
        if asked.operation == "refund" and asked.psp_object_id == command.psp_refund_id:
            return asked.object_id
    return command.refund_id if own is not None and own.psp_refund_id is None else None
