"""The PSP's figure replaces ours: reversal and new posting in one transaction that names what it reverses."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from app.domain import postings
from app.domain.commands import PaymentRecord, RefundRecord
from app.domain.decision import Draft
from app.domain.fees import fees_of
from app.domain.funds import Parts, allocate, without_taken
from app.domain.merchant import known_merchant, platform_in
from app.domain.payment import Capture, Payment, Refund
from app.domain.split_books import own_fees, own_legs, own_pending


class Returned(NamedTuple):
    """Money that goes back to the captures it was taken from; `stranded`: what none of them takes back."""

    captures: dict[str, Capture]
    stranded: int


class Shift(NamedTuple):
    """Of a corrected capture: what is pending now, and what the available has to make up for."""

    pending: int
    shortage: int


def corrected_capture(draft: Draft, payment: Payment, key: str, command: PaymentRecord) -> Capture:
    """Post the correction; what was already released or refunded of the old figure stays so."""
    old, merchant_id = payment.captures[key], payment.merchant_id
    merchant, platform = known_merchant(draft, merchant_id), platform_in(draft)
    fees = own_fees(payment, fees_of(platform, merchant, command.psp, command.amount, command.currency))
    new_net = command.amount - fees.platform - fees.merchant_psp
    shift = _shift(old, new_net, same_currency=old.currency == command.currency)
    legs = [
        *postings.capture(merchant_id, command.psp, command.currency, command.amount, *fees),
        *postings.advance(merchant_id, old.currency, shift.shortage),
        *postings.reversal(_capture_legs(merchant_id, old)),
    ]
    transaction_id = draft.post(
        "capture_corrected",
        own_legs(payment, legs),
        command.occurred_at,
        merchant_id,
        payment.id,
        reverses=old.transaction_id,
    )
    return Capture(
        amount=command.amount,
        currency=command.currency,
        psp=command.psp,
        platform_fee=fees.platform,
        psp_fee=fees.psp,
        merchant_psp_fee=fees.merchant_psp,
        pending=own_pending(payment, shift.pending),
        psp_capture_id=command.psp_capture_id,
        transaction_id=transaction_id,
        occurred_at=command.occurred_at,
        platform_version=platform.version,
        merchant_version=merchant.version,
    )


def _shift(old: Capture, new_net: int, same_currency: bool) -> Shift:
    gone = old.net - old.pending
    if not same_currency:
        return Shift(new_net, gone)
    return Shift(max(0, new_net - gone), max(0, gone - new_net))


def _capture_legs(merchant_id: str, old: Capture) -> postings.Legs:
    return postings.capture(
        merchant_id, old.psp, old.currency, old.amount, old.platform_fee, old.psp_fee, old.merchant_psp_fee
    )


def corrected_refund(
    draft: Draft, payment: Payment, key: str, command: RefundRecord
) -> tuple[dict[str, Capture], Refund]:
    """Post the correction; returns the captures with their pending money as it is now, and the refund."""
    old, merchant_id = payment.refunds[key], payment.merchant_id
    back = give_back(payment.captures, old.taken, old.currency)
    taken = allocate(back.captures, command.amount, command.currency)
    legs = [
        *_refund_reversal(merchant_id, old, back.stranded),
        *postings.refund(
            merchant_id, payment.psp, command.currency, taken.from_pending, taken.from_available
        ),
    ]
    transaction_id = draft.post(
        "refund_corrected",
        own_legs(payment, legs),
        command.occurred_at,
        merchant_id,
        payment.id,
        reverses=old.transaction_id,
    )
    refund = replace(
        old,
        amount=command.amount,
        currency=command.currency,
        psp=payment.psp,
        taken=taken.parts,
        psp_refund_id=command.psp_refund_id or old.psp_refund_id,
        transaction_id=transaction_id,
        occurred_at=command.occurred_at,
        confirmed=True,
        ours=False,
    )
    return without_taken(back.captures, taken.parts), refund


def reverse_refund(
    draft: Draft, payment: Payment, old: Refund, occurred_at: datetime
) -> tuple[dict[str, Capture], Refund]:
    """Post the reversal of a refund that failed; returns the captures with what came back, and the refund."""
    back = give_back(payment.captures, old.taken, old.currency)
    legs = own_legs(payment, _refund_reversal(payment.merchant_id, old, back.stranded))
    transaction_id = draft.post(
        "refund_failed", legs, occurred_at, payment.merchant_id, payment.id, reverses=old.transaction_id
    )
    return back.captures, replace(old, failed=True, taken=(), transaction_id=transaction_id)


def _refund_reversal(merchant_id: str, old: Refund, stranded: int) -> postings.Legs:
    from_available = old.amount - old.from_pending
    posted = postings.refund(merchant_id, old.psp, old.currency, old.from_pending, from_available)
    return [*postings.reversal(posted), *postings.release(merchant_id, old.currency, stranded)]


def give_back(captures: Mapping[str, Capture], taken: Parts, currency: str) -> Returned:
    """To their pending money; a capture that changed its currency since takes nothing back."""
    back = tuple([(key, -amount) for key, amount in taken if captures[key].currency == currency])
    stranded = sum(amount for _, amount in taken) + sum(amount for _, amount in back)
    return Returned(without_taken(captures, back), stranded)
