"""Records of `payments.commands`, keyed by merchant id.

Facts (`...record`, past tense) have happened and are never refused; requests (imperative) may be.
Amounts are minor units of `currency`. `id` is unique per merchant and makes a repeat recognisable.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from app.domain.alert_rules import AlertConfiguration
from app.domain.command_base import Command, MerchantCommand, MoneyCommand, Payer
from app.domain.configuration import (
    ApproverRole,
    BookRates,
    FeePlan,
    PayoutSchedule,
    PspConfiguration,
    SourceConfiguration,
)
from app.domain.effect_policy import EffectLimits
from app.domain.fields import Currency, Id, LongId, Moment, NonNegative
from app.domain.money import check_currency


class PlatformConfigure(Command, frozen=True, kw_only=True, tag="platform.configure"):
    """The platform's own configuration, written once into every partition of every lane topic."""

    default_plan: FeePlan = FeePlan()
    default_release_delay_days: Annotated[int, Meta(ge=0, le=365)] = 2
    release_delay_seconds: NonNegative | None = None
    psps: dict[str, PspConfiguration] = {}
    sources: dict[str, SourceConfiguration] = {}
    book: BookRates = BookRates()
    payout_account: Id = "main"
    parking_window_seconds: NonNegative | None = None
    """How long a fact waits for its parent before that is shown as missing; None: 72 hours."""
    effects: dict[str, EffectLimits] = {}
    """How what leaves the program is tried: by kind, or by the beginning of targets (`effect_policy.py`)."""
    default_psp: Id | None = None
    """Who is asked for money where a request names no PSP."""
    payout_psp: Id | None = None
    """Who is asked to pay merchants out; None: upstream does that by itself."""
    payout_approval_above: NonNegative | None = None
    """Payouts above this need a second person, minor units of each currency; None: none does."""
    alerts: AlertConfiguration | None = None
    """Who is told of what is found and of what fails; None: nobody."""
    approval_limits: dict[ApproverRole, NonNegative | None] = {}
    """What a role may approve of others' proposals, minor units of the book currency; null: anything.

    A role that is not named keeps its default: an approver 10,000.00, lead and admin anything.
    """


class MerchantConfigure(MerchantCommand, frozen=True, kw_only=True, tag="merchant.configure"):
    name: str = ""
    settlement_currency: Currency
    fee_plan: FeePlan | None = None
    release_delay_days: Annotated[int, Meta(ge=0, le=365)] | None = None
    release_delay_seconds: NonNegative | None = None
    negative_limit: NonNegative = 0
    payout_approval_above: NonNegative | None = None
    """As the platform's, which it replaces."""
    payout_schedule: PayoutSchedule | None = None

    def __post_init__(self) -> None:
        MerchantCommand.__post_init__(self)
        check_currency(self.settlement_currency, "settlement_currency")


class PaymentRecord(MoneyCommand, frozen=True, kw_only=True, tag="payment.record", gc=False):
    """A capture that happened. Another `capture_id` of the same payment is another capture."""

    payment_id: Id
    capture_id: Id = ""
    psp: Id
    psp_payment_id: Id | None = None
    psp_capture_id: Id | None = None
    method: str | None = None
    occurred_at: Moment
    order_ref: Id | None = None
    invoice_id: Id | None = None
    payer: Payer | None = None

    def __post_init__(self) -> None:
        MoneyCommand.__post_init__(self)
        if not (self.psp_payment_id or self.order_ref or self.invoice_id):
            raise ValueError("one of psp_payment_id, order_ref, invoice_id must be present")
        if not self.capture_id:
            msgspec.structs.force_setattr(self, "capture_id", self.payment_id)
        if self.psp_capture_id is None and self.psp_payment_id is not None:
            if self.capture_id != self.payment_id:
                raise ValueError("psp_capture_id is required where capture_id is not payment_id")
            msgspec.structs.force_setattr(self, "psp_capture_id", self.psp_payment_id)


class RefundFields(MoneyCommand, frozen=True, kw_only=True, gc=False):
    payment_id: Id
    refund_id: Id


class RefundRecord(RefundFields, frozen=True, kw_only=True, tag="refund.record", gc=False):
    """A refund that happened at the PSP."""

    psp_refund_id: Id | None = None
    occurred_at: Moment


class RefundCreate(RefundFields, frozen=True, kw_only=True, tag="refund.create", gc=False):
    """Request: refund part or all of what is still refundable."""


class RefundFailed(RefundFields, frozen=True, kw_only=True, tag="refund.failed", gc=False):
    """A refund that did not come through at the PSP: all of its postings are reversed."""

    psp_refund_id: Id | None = None
    reason: str | None = None
    occurred_at: Moment


class PaymentFact(MoneyCommand, frozen=True, kw_only=True, gc=False):
    """What happened to a payment short of its capture. `amount` is the payment's, as the PSP states it."""

    payment_id: Id
    psp: Id
    psp_payment_id: Id | None = None
    order_ref: Id | None = None
    invoice_id: Id | None = None
    reason: str | None = None
    occurred_at: Moment


class PaymentAuthorized(PaymentFact, frozen=True, kw_only=True, tag="payment.authorized", gc=False):
    """The PSP holds the amount; nothing is posted."""


class PaymentActionRequired(PaymentFact, frozen=True, kw_only=True, tag="payment.action_required", gc=False):
    """The payer has to do something (3-D Secure)."""


class PaymentFailed(PaymentFact, frozen=True, kw_only=True, tag="payment.failed", gc=False):
    """An attempt failed; a later one may succeed."""


class PaymentVoided(PaymentFact, frozen=True, kw_only=True, tag="payment.voided", gc=False):
    """The authorisation was cancelled."""


class PaymentExpired(PaymentFact, frozen=True, kw_only=True, tag="payment.expired", gc=False):
    """The authorisation lapsed."""


class DisputeFact(MoneyCommand, frozen=True, kw_only=True, gc=False):
    """`amount`: what is disputed, minor units; all facts of one dispute state the same."""

    payment_id: Id
    dispute_id: Id
    psp_dispute_id: Id | None = None
    occurred_at: Moment


class DisputeOpened(DisputeFact, frozen=True, kw_only=True, tag="dispute.opened", gc=False):
    """The PSP has taken the disputed amount, and `fee`, until it is decided."""

    fee: NonNegative = 0
    reason: str | None = None


class DisputeWon(DisputeFact, frozen=True, kw_only=True, tag="dispute.won", gc=False):
    """The disputed amount came back, and `fee_returned` of the fee."""

    fee_returned: NonNegative = 0


class DisputeLost(DisputeFact, frozen=True, kw_only=True, tag="dispute.lost", gc=False):
    """The disputed amount is gone."""


class SettlementMatched(MerchantCommand, frozen=True, kw_only=True, tag="settlement.matched", gc=False):
    """The matching lane's word on one object of a payment: its gross has been settled, or no longer is."""

    payment_id: Id
    object_id: Id
    kind: str
    """`capture`, `refund`, `chargeback` …, as on the settlement line."""
    matched: bool
    occurred_at: Moment
    home: LongId | None = None
    """Where in the matching lane the object was expected when this was said; None: not told.

    A word from a home that the object has left counts no longer, however late it comes.
    """


class PayoutCreate(MoneyCommand, frozen=True, kw_only=True, tag="payout.create", gc=False):
    """Request: pay out of the available balance."""

    payout_id: Id
    requested_by: Id | None = None
    """The person who asks, who may not approve it as well."""


class PayoutFact(MerchantCommand, frozen=True, kw_only=True, gc=False):
    payout_id: Id
    psp_payout_id: Id | None = None
    occurred_at: Moment


class PayoutPaid(PayoutFact, frozen=True, kw_only=True, tag="payout.paid", gc=False):
    bank_fee: NonNegative = 0


class PayoutFailed(PayoutFact, frozen=True, kw_only=True, tag="payout.failed", gc=False):
    """The payout failed before it left."""

    reason: str | None = None


class PayoutReturned(PayoutFact, frozen=True, kw_only=True, tag="payout.returned", gc=False):
    """The payout came back after it had been paid."""

    reason: str | None = None


class PayoutDue(MerchantCommand, frozen=True, kw_only=True, tag="payout.due", gc=False):
    """Timer: a period of the merchant's payout schedule has ended."""

    is_timer: ClassVar[bool] = True

    period: Id


class FundsRelease(MerchantCommand, frozen=True, kw_only=True, tag="funds.release", gc=False):
    """Timer: what is still pending of a capture becomes available."""

    is_timer: ClassVar[bool] = True

    payment_id: Id
    capture_id: Id
    currency: Currency | None = None
    """The capture's when the timer was set: which balances to fetch ahead; the capture itself decides."""


class ParkedExpire(Command, frozen=True, kw_only=True, tag="parked.expire", gc=False):
    """Timer: the parent that parked facts wait for has not come inside its window."""

    is_timer: ClassVar[bool] = True

    key: str
    subject: str
