"""The parent's side of a split payment: what its sellers ask for and have posted."""

from msgspec.structs import replace

from app.domain.commands import RefundCreate, RefundFailed
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.guards import refundable
from app.domain.payment import Payment, payment_ref
from app.domain.refunds import post_part_refund
from app.domain.split import Parent, derived_id
from app.domain.split_records import SplitDue, SplitPosted, SplitRefund
from app.domain.split_telling import TIMER, judged_split, watched
from app.domain.streams import PAYMENTS_COMMANDS
from app.domain.timers import take_fired


def refund_part(draft: Draft, command: SplitRefund) -> None:
    """A seller has given money back: it leaves the clearing account for the PSP, who is asked where it has

    an API. The seller's lane has held it against the seller's own limits; here it is held against the whole,
    of which others may have given back more meanwhile. Raises Duplicate.
    """
    payment = _parent(draft, command.merchant_id, command.payment_id)
    parent = Parent(payment.merchant_id, payment.id)
    refund_id = derived_id(parent, command.part, "part_refund", command.part_refund_id)
    if refund_id in payment.refunds:
        raise Duplicate
    if command.amount > refundable(payment):
        _turn_down(draft, payment, command)
        return
    create = RefundCreate(
        id=command.id,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        refund_id=refund_id,
        amount=command.amount,
        currency=command.currency,
    )
    post_part_refund(draft, payment, create, command.part, command.part_refund_id)


def _turn_down(draft: Draft, payment: Payment, command: SplitRefund) -> None:
    """The PSP is not asked; the seller takes back what it has posted."""
    seller = next(part.merchant_id for part in payment.parts if part.payment_id == command.part)
    failed = RefundFailed(
        id=draft.next_id(),
        merchant_id=seller,
        payment_id=command.part,
        refund_id=command.part_refund_id,
        amount=command.amount,
        currency=command.currency,
        reason="refund_exceeds_captured",
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_COMMANDS, seller, failed)


def note_posted(draft: Draft, command: SplitPosted) -> None:
    """Raises Duplicate for an earlier word than the one that is kept."""
    payment = _parent(draft, command.merchant_id, command.payment_id)
    parts = tuple(
        [
            replace(part, posted=command.posted, seq=command.part_seq)
            if part.payment_id == command.part and part.seq < command.part_seq
            else part
            for part in payment.parts
        ]
    )
    if parts == payment.parts:
        raise Duplicate
    payment = replace(payment, parts=parts)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    watched(draft, payment)


def expire_split(draft: Draft, command: SplitDue) -> None:
    """The window has closed and the two sides differ."""
    fired = take_fired(draft, command.id)
    if not fired.is_of(TIMER, command.payment_id):
        raise Ignored("the record is not the timer's own")
    judged_split(draft, _parent(draft, command.merchant_id, command.payment_id))


def _parent(draft: Draft, merchant_id: str, payment_id: str) -> Payment:
    payment: Payment | None = draft.get(payment_ref(merchant_id, payment_id))
    if payment is None or not payment.parts:
        raise Ignored("no such split payment")
    return payment
