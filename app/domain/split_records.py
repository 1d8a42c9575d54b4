"""What the lanes of a split payment's parent and sellers tell each other, on `payments.commands`.

Refunds use the facts that there are (`refund.record`, `refund.failed`), under ids derived from the parent's.
"""

from typing import ClassVar

from app.domain.command_base import MerchantCommand, MoneyCommand
from app.domain.fields import Amount, Id, Moment, SignedAmount


class SplitCaptured(MoneyCommand, frozen=True, kw_only=True, tag="split.captured", gc=False):
    """To a seller: its share of a capture. The seller's order begins with the first one."""

    payment_id: Id
    capture_id: Id
    psp: Id
    parent_merchant_id: Id
    parent_payment_id: Id
    order_ref: Id | None = None
    occurred_at: Moment


class SplitRefund(MerchantCommand, frozen=True, kw_only=True, tag="split.refund", gc=False):
    """To the parent: a seller gives money of its order back; it is posted there, the PSP has to be asked."""

    payment_id: Id
    part: Id
    """The seller's order."""
    part_refund_id: Id
    amount: Amount
    currency: str


class SplitPosted(MerchantCommand, frozen=True, kw_only=True, tag="split.posted", gc=False):
    """To the parent: what a seller's lane has posted of its order, captured less refunded, minor units."""

    payment_id: Id
    part: Id
    posted: SignedAmount
    part_seq: Amount
    """Counts the seller's order's events: a later word replaces an earlier one."""


class SplitDue(MerchantCommand, frozen=True, kw_only=True, tag="split.due", gc=False):
    """Timer: sellers have not posted all of their shares inside the window."""

    is_timer: ClassVar[bool] = True

    payment_id: Id
