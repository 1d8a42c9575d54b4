"""What the API answers about payments, refunds and payouts. Amounts are in minor units, times in UTC."""

from __future__ import annotations

from datetime import date

from app.domain.fields import Moment
from web.schemas import Answer


class Capture(Answer, frozen=True, kw_only=True):
    """`pending`: what is neither released to the merchant nor refunded yet."""

    id: str
    amount: int
    currency: str
    platform_fee: int
    pending: int
    psp_capture_id: str | None
    occurred_at: Moment


class Refund(Answer, frozen=True, kw_only=True):
    """Not `confirmed` while it was only requested; one that `failed` is reversed and counts no longer."""

    id: str
    amount: int
    currency: str
    psp_refund_id: str | None
    confirmed: bool
    failed: bool
    occurred_at: Moment


class Dispute(Answer, frozen=True, kw_only=True):
    """`id`: the PSP's, else ours. `status`: open, won or lost."""

    id: str
    status: str
    amount: int
    currency: str
    fee: int
    fee_returned: int
    psp_dispute_id: str | None
    opened_at: Moment
    decided_at: Moment | None


class Operation(Answer, frozen=True, kw_only=True):
    """What was asked of the PSP. `object_id`: our id of the capture or refund, else the payment's.

    `state`: executing; done; declined, for the `reason` given; unknown: asked again until it is known;
    gave_up or misconfigured: somebody has to look.
    """

    operation: str
    object_id: str
    amount: int
    state: str
    reason: str | None
    url: str | None
    """Where the payer has to go at the PSP."""
    asked_at: Moment


class Payment(Answer, frozen=True, kw_only=True):
    """The sums leave out what is in another currency, which is flagged and listed.

    `amount`: what was captured; before that what was authorised, or at least spoken of.
    """

    merchant_id: str
    id: str
    status: str
    dispute_status: str
    settlement_status: str
    currency: str
    amount: int
    captured_amount: int
    refunded_amount: int
    disputed_amount: int
    psp: str
    psp_payment_id: str | None
    order_ref: str | None
    invoice_id: str | None
    flags: list[str]
    authorized_amount: int | None
    """As the PSP states it, else as we do; None where no authorisation was told of."""
    captures: list[Capture]
    refunds: list[Refund]
    disputes: list[Dispute]
    requested_amount: int | None
    """What was asked for; None for a payment that was only told of, and so the four after it."""
    capture_method: str | None
    description: str | None
    return_url: str | None
    checkout_url: str | None
    """Our page that leads the payer to the PSP's."""
    operations: list[Operation]
    created_at: Moment
    """When the books first knew of it."""


class PaymentPage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[Payment]
    has_more: bool
    next_cursor: str | None


class RefundDetail(Refund, frozen=True, kw_only=True):
    """`status`: succeeded; failed (declined, or failed later); executing or unknown while the PSP is asked;

    else pending: posted, and not confirmed by the PSP yet.
    """

    merchant_id: str
    payment_id: str
    status: str
    reason: str | None


class RefundPage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[RefundDetail]
    has_more: bool
    next_cursor: str | None


class PayoutBankLine(Answer, frozen=True, kw_only=True):
    """A line of the bank account that the payout left, or came back to."""

    account: str
    line_id: str
    value_date: date


class PayoutAtBank(Answer, frozen=True, kw_only=True):
    """`confirmed`: the bank shows what our books say. `difference`: what it moved beyond them, signed.

    `lines` are shown to staff alone.
    """

    confirmed: bool
    difference: int
    lines: list[PayoutBankLine]


class Payout(Answer, frozen=True, kw_only=True):
    """`status`: the strongest of what is known of it; pending_approval and rejected before it is started.

    `parts`: what moved the available money since the payout before, by kind; `residual`: what of it they
    do not explain, which is 0 unless something is wrong. `period`: of the schedule that started it.
    """

    merchant_id: str
    id: str
    status: str
    amount: int
    currency: str
    bank_fee: int
    psp_payout_id: str | None
    created_at: Moment
    approval: str | None
    """Null where nobody has to approve it."""
    decided_by: str | None
    period: str | None
    parts: dict[str, int]
    residual: int
    operation: Operation | None
    """The call to the PSP that pays it."""
    paid_at: Moment | None
    returned_at: Moment | None
    bank: PayoutAtBank | None
    """Null while no line of its bank account was found for it."""


class PayoutPage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[Payout]
    has_more: bool
    next_cursor: str | None
