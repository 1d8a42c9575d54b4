"""What an answer tells of a refund besides facts: the PSP's id of it, or that the PSP would not make it.

A webhook may come first and name only the PSP's id. Then it was kept as a refund of its own, beside the one
that we asked for; the answer shows that they are one.
"""

from msgspec.structs import replace

from app.domain.asked import Asked
from app.domain.corrections import reverse_refund
from app.domain.decision import Draft
from app.domain.events import RefundConfirmed
from app.domain.expectations import keep_expectations
from app.domain.funds import release_again
from app.domain.guards import watch_balance
from app.domain.payment import Payment, payment_ref
from app.domain.payment_checks import judged
from app.domain.payment_identity import find_payment
from app.domain.psp_calls import PspAnswered
from app.domain.refund_repeats import announce


def with_decline(payment: Payment, asked: Asked) -> Payment:
    """The payment, of which the PSP would not make a refund, if that is what `asked` says."""
    refund = payment.refunds.get(asked.object_id)
    if (asked.operation, asked.state) != ("refund", "declined") or refund is None or refund.psp_refund_id:
        return payment
    refunds = {**payment.refunds, asked.object_id: replace(refund, declined=True)}
    return replace(payment, refunds=refunds)


def join_refund(draft: Draft, command: PspAnswered) -> bool:
    """The refund that we asked for becomes the one that the PSP has told of; what ours posted is reversed.

    False where nothing is to be joined.
    """
    before = find_payment(draft, command.merchant_id, command.payment_id or "")
    if before is None:
        return False
    ours, told_as = before.refunds.get(command.object_id), _told_as(before, command)
    if ours is None or ours.confirmed or ours.failed or told_as is None:
        return False
    captures, _ = reverse_refund(draft, before, ours, command.answered_at)
    refunds = {key: one for key, one in before.refunds.items() if key != told_as}
    theirs = before.refunds[told_as]
    refunds[command.object_id] = replace(theirs, shares=ours.shares, part_refund_id=ours.part_refund_id)
    payment = replace(before, captures=captures, refunds=refunds, seq=before.seq + 1)
    payment = judged(draft, payment)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    announce(draft, payment, command.object_id, RefundConfirmed)
    keep_expectations(draft, before, payment)
    release_again(draft, payment)
    watch_balance(draft, payment.merchant_id, ours.currency)
    return True


def _told_as(payment: Payment, command: PspAnswered) -> str | None:
    """Under which other key the PSP's refund of this answer is kept."""
    if command.psp_object_id is None:
        return None
    named = (key for key, one in payment.refunds.items() if one.psp_refund_id == command.psp_object_id)
    return next((key for key in named if key != command.object_id), None)
