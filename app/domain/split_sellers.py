"""A seller's side of a split payment: its order, which begins with its share of the first capture."""

from app.domain.captures import record_payment
from app.domain.commands import PaymentRecord
from app.domain.decision import Draft, Duplicate
from app.domain.merchant import known_merchant
from app.domain.payment import UNKNOWN_MERCHANT, Payment, payment_ref
from app.domain.split import Parent
from app.domain.split_records import SplitCaptured


def record_share(draft: Draft, command: SplitCaptured) -> tuple[str, ...] | None:
    """Post a seller's share like a capture of its own, out of the clearing account. Raises Duplicate."""
    ref = payment_ref(command.merchant_id, command.payment_id)
    order: Payment = draft.get(ref) or _order(draft, command)
    if command.capture_id in order.captures:
        raise Duplicate
    draft.put(ref, order)
    share = PaymentRecord(
        id=command.id,
        merchant_id=command.merchant_id,
        payment_id=command.payment_id,
        capture_id=command.capture_id,
        amount=command.amount,
        currency=command.currency,
        psp=command.psp,
        order_ref=command.order_ref or command.parent_payment_id,
        occurred_at=command.occurred_at,
    )
    return record_payment(draft, share)


def _order(draft: Draft, command: SplitCaptured) -> Payment:
    merchant = known_merchant(draft, command.merchant_id)
    return Payment(
        merchant_id=command.merchant_id,
        id=command.payment_id,
        currency=command.currency,
        psp=command.psp,
        principal="",
        flags=() if merchant.configured else (UNKNOWN_MERCHANT,),
        parent=Parent(command.parent_merchant_id, command.parent_payment_id),
    )
