"""What a merchant asks for: requests of `payments.commands`. Each may be refused, with zero postings.

Amounts are minor units of `currency`. Those that come through the API have an `id` made of the merchant and
the `Idempotency-Key`, so that the lane's own dedup decides which of two equal requests is the first.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from app.domain.command_base import MerchantCommand, MoneyCommand, Payer
from app.domain.fields import Amount, Id, NonNegative

CaptureMethod = Literal["automatic", "manual"]
Url = Annotated[str, Meta(min_length=8, max_length=2000, pattern="^https?://")]


class LineItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seller's part of a payment; parts sum to the whole."""

    merchant_id: Id
    """The seller."""
    amount: Amount
    description: Annotated[str, Meta(max_length=200)] | None = None


class PaymentCreate(MoneyCommand, frozen=True, kw_only=True, tag="payment.create"):
    """Ask a PSP for money. Without `payment_method` the payer chooses one on the PSP's hosted page."""

    payment_id: Id
    psp: Id | None = None
    """None: the platform's `default_psp`."""
    capture_method: CaptureMethod = "automatic"
    payment_method: Id | None = None
    """The PSP's token of a means of payment, never a card number."""
    order_ref: Id | None = None
    invoice_id: Id | None = None
    description: Annotated[str, Meta(max_length=200)] | None = None
    return_url: Url | None = None
    payer: Payer | None = None
    confirm_duplicate: bool = False
    line_items: Annotated[tuple[LineItem, ...], Meta(max_length=50)] = ()


class PaymentCapture(MoneyCommand, frozen=True, kw_only=True, tag="payment.capture"):
    """Take part or all of what is authorised; several captures are several ids."""

    payment_id: Id
    capture_id: Id


class PaymentVoid(MerchantCommand, frozen=True, kw_only=True, tag="payment.void"):
    """Give up an authorisation of which nothing was captured."""

    payment_id: Id


class AuthorizationExpire(MerchantCommand, frozen=True, kw_only=True, tag="authorization.expire"):
    """Timer: an authorisation has lapsed; what is left of it is voided at the PSP."""

    is_timer: ClassVar[bool] = True

    payment_id: Id


class PaymentInquire(MerchantCommand, frozen=True, kw_only=True, tag="payment.inquire"):
    """Timer: the PSP took something in and has not told what became of it; it is asked."""

    is_timer: ClassVar[bool] = True

    payment_id: Id
    done_rounds: NonNegative = 0
    """How often it was asked already."""


class PayoutInquire(MerchantCommand, frozen=True, kw_only=True, tag="payout.inquire"):
    """Timer: likewise of a payout."""

    is_timer: ClassVar[bool] = True

    payout_id: Id
    done_rounds: NonNegative = 0


class PayoutApprove(MerchantCommand, frozen=True, kw_only=True, tag="payout.approve"):
    """A person allows a payout above the merchant's limit; not the one who asked for it."""

    payout_id: Id
    by: Id


class PayoutReject(MerchantCommand, frozen=True, kw_only=True, tag="payout.reject"):
    """A person refuses a payout that waits for approval; the money is available again."""

    payout_id: Id
    by: Id
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
