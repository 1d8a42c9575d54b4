"""Events of `payments.events`, keyed `{merchant_id}/{payment_id}` (payouts: `{merchant_id}/{payout_id}`).

`seq` counts per subject (the payment, the payout, the merchant); a refused request is a subject of its own.
Amounts are minor units of `currency`. `platform_version` and `merchant_version` are the offsets of the
configuration records that the decision used (-1: the defaults, before any was seen).
"""

from datetime import datetime

from app.domain.event_base import Event
from app.domain.payment import DisputeStatus, SettlementStatus, Status
from app.domain.payout import PayoutStatus
from app.domain.psp_calls import Operation


class MerchantEvent(Event, frozen=True, kw_only=True, gc=False):
    merchant_id: str
    occurred_at: datetime


class MoneyEvent(MerchantEvent, frozen=True, kw_only=True, gc=False):
    amount: int
    currency: str


class PaymentEvent(MoneyEvent, frozen=True, kw_only=True, gc=False):
    """`flags` are the payment's after this event; `transaction_id` is None where nothing was posted."""

    payment_id: str
    status: Status
    flags: tuple[str, ...] = ()
    transaction_id: str | None = None


class MerchantConfigured(MerchantEvent, frozen=True, kw_only=True, tag="merchant.configured"):
    """`merchant_version` is the offset of the record, named by the decisions that use it."""

    merchant_version: int


class CaptureEvent(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """`psp_fee` is None where the PSP has no fee plan: no fee is expected then."""

    capture_id: str
    psp: str
    psp_capture_id: str | None = None
    platform_fee: int
    psp_fee: int | None = None
    platform_version: int
    merchant_version: int


class PaymentCaptured(CaptureEvent, frozen=True, kw_only=True, tag="payment.captured", gc=False):
    """Money was taken and posted."""


class PaymentCorrected(CaptureEvent, frozen=True, kw_only=True, tag="payment.corrected", gc=False):
    """The PSP's figure replaced ours: the capture was reversed and posted again."""


class PaymentIdentified(PaymentEvent, frozen=True, kw_only=True, tag="payment.identified", gc=False):
    """More is known about a capture (a PSP's id, a reference, another name for it); nothing was posted."""

    capture_id: str
    psp_capture_id: str | None = None
    alias: str | None = None
    """Another payment_id under which the same PSP object was reported."""


class PaymentStatusEvent(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """A fact short of a capture: nothing was posted. `status` is the payment's, perhaps by a stronger fact.

    `amount` is what the fact says. The same kind comes again when more is known (a later word, an id).
    """

    psp: str
    psp_payment_id: str | None = None
    reason: str | None = None


class PaymentWasAuthorized(PaymentStatusEvent, frozen=True, kw_only=True, tag="payment.authorized", gc=False):
    """The PSP holds the amount."""


class PaymentNeedsAction(
    PaymentStatusEvent, frozen=True, kw_only=True, tag="payment.action_required", gc=False
):
    """The payer has to do something."""


class PaymentHasFailed(PaymentStatusEvent, frozen=True, kw_only=True, tag="payment.failed", gc=False):
    """An attempt failed."""


class PaymentWasVoided(PaymentStatusEvent, frozen=True, kw_only=True, tag="payment.voided", gc=False):
    """The authorisation was cancelled."""


class PaymentHasExpired(PaymentStatusEvent, frozen=True, kw_only=True, tag="payment.expired", gc=False):
    """The authorisation lapsed."""


class OperationEvent(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """About an operation at the PSP, which is no fact about money. `amount`: what the operation is for."""

    operation: Operation
    object_id: str
    """The payment's id, or the capture's or refund's."""
    psp: str
    effect_id: str
    reason: str | None = None
    url: str | None = None
    """Where the payer has to go."""


class PaymentWasCreated(OperationEvent, frozen=True, kw_only=True, tag="payment.created", gc=False):
    """A request for money was allowed; the PSP is being asked."""


class OperationRequested(OperationEvent, frozen=True, kw_only=True, tag="operation.requested", gc=False):
    """A further operation (capture, void, refund) was allowed; the PSP is being asked."""


class OperationAccepted(OperationEvent, frozen=True, kw_only=True, tag="operation.accepted", gc=False):
    """The PSP took it and tells more by webhook: a hosted page is there (`url`), a capture on its way."""


class OperationDeclined(OperationEvent, frozen=True, kw_only=True, tag="operation.declined", gc=False):
    """The PSP's final no."""


class OperationUnknown(OperationEvent, frozen=True, kw_only=True, tag="operation.unknown", gc=False):
    """Nobody knows whether it happened; the PSP is asked until that is known."""


class OperationStuck(OperationEvent, frozen=True, kw_only=True, tag="operation.stuck", gc=False):
    """No attempt is left, or none can succeed (`reason`): people have to look; it can be asked again."""


class PaymentFlagged(PaymentEvent, frozen=True, kw_only=True, tag="payment.flagged", gc=False):
    """The flags changed without any other event saying so. `amount` is what is captured."""


class PaymentSettlementChanged(
    PaymentEvent, frozen=True, kw_only=True, tag="payment.settlement_changed", gc=False
):
    """The gross of one object (capture, refund, chargeback …) was settled, or no longer is."""

    object_id: str
    kind: str
    matched: bool
    settlement_status: SettlementStatus
    """The payment's: matched when all of its captures are."""


class FundsReleased(PaymentEvent, frozen=True, kw_only=True, tag="funds.released", gc=False):
    """What was still pending of a capture became available."""

    capture_id: str


class RefundEvent(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """`refunded_amount` is the payment's total after this event."""

    refund_id: str
    psp_refund_id: str | None = None
    refunded_amount: int


class RefundAccepted(RefundEvent, frozen=True, kw_only=True, tag="refund.accepted", gc=False):
    """A request was allowed and posted; the PSP's confirmation is awaited."""


class RefundRecorded(RefundEvent, frozen=True, kw_only=True, tag="refund.recorded", gc=False):
    """A refund happened at the PSP and was posted."""


class RefundConfirmed(RefundEvent, frozen=True, kw_only=True, tag="refund.confirmed", gc=False):
    """A refund that is posted, or has failed, was confirmed, or its PSP's id became known; no posting."""


class RefundCorrected(RefundEvent, frozen=True, kw_only=True, tag="refund.corrected", gc=False):
    """The PSP's figure replaced ours: the refund was reversed and posted again."""


class RefundHasFailed(RefundEvent, frozen=True, kw_only=True, tag="refund.failed", gc=False):
    """A refund did not come through: all that it posted was reversed (`transaction_id`), if anything was."""

    reason: str | None = None


class DisputeEvent(PaymentEvent, frozen=True, kw_only=True, gc=False):
    """`amount`, `fee` and `fee_returned` are the dispute's; `disputed_amount` the payment's: open, lost."""

    dispute_id: str
    """The PSP's id of it, else our own: the key by which the payment lists it."""
    psp_dispute_id: str | None = None
    fee: int = 0
    fee_returned: int = 0
    disputed_amount: int
    dispute_status: DisputeStatus
    replaces: tuple[str, ...] = ()
    """Ids under which it was listed before."""
    reason: str | None = None


class DisputeWasOpened(DisputeEvent, frozen=True, kw_only=True, tag="dispute.opened", gc=False):
    """The amount is held until the dispute is decided."""


class DisputeWasWon(DisputeEvent, frozen=True, kw_only=True, tag="dispute.won", gc=False):
    """The amount came back to the merchant."""


class DisputeWasLost(DisputeEvent, frozen=True, kw_only=True, tag="dispute.lost", gc=False):
    """The amount is gone."""


class DisputeUpdated(DisputeEvent, frozen=True, kw_only=True, tag="dispute.updated", gc=False):
    """More is known of a dispute at the stage it had: its fee, an id, a date, or the PSP's other figure."""


class PayoutEvent(MoneyEvent, frozen=True, kw_only=True, gc=False):
    """`status` is the payout's after this fact: the strongest one known, whatever came last."""

    payout_id: str
    status: PayoutStatus
    psp_payout_id: str | None = None
    transaction_id: str | None = None


class PayoutStarted(PayoutEvent, frozen=True, kw_only=True, tag="payout.started", gc=False):
    """The money left the available; `status` says whether a person has to approve it first."""

    parts: dict[str, int] = {}
    """What it is made of: movements of the available since the payout before, by kind."""
    residual: int | None = None
    """`amount` less its parts; None for payouts of before parts were counted."""


class PayoutWasApproved(PayoutEvent, frozen=True, kw_only=True, tag="payout.approved", gc=False):
    by: str


class PayoutWasRejected(PayoutEvent, frozen=True, kw_only=True, tag="payout.rejected", gc=False):
    """The money is available again."""

    by: str
    reason: str


class PayoutWasAccepted(PayoutEvent, frozen=True, kw_only=True, tag="payout.accepted", gc=False):
    """The PSP took it and tells by webhook what comes of it."""

    reason: str | None = None


class PayoutIsUnknown(PayoutEvent, frozen=True, kw_only=True, tag="payout.unknown", gc=False):
    """Nobody knows whether the PSP took it; it is asked until that is known."""

    reason: str | None = None


class PayoutIsStuck(PayoutEvent, frozen=True, kw_only=True, tag="payout.stuck", gc=False):
    """No attempt is left, or none can succeed (`reason`): people have to look; it can be asked again."""

    reason: str | None = None


class PayoutWasPaid(PayoutEvent, frozen=True, kw_only=True, tag="payout.paid", gc=False):
    bank_fee: int = 0


class PayoutHasFailed(PayoutEvent, frozen=True, kw_only=True, tag="payout.failed", gc=False):
    """Without `transaction_id`: the payout had left, so nothing came back by this."""


class PayoutCameBack(PayoutEvent, frozen=True, kw_only=True, tag="payout.returned", gc=False):
    pass


class WebhookEndpointEvent(MerchantEvent, frozen=True, kw_only=True, gc=False):
    """An endpoint as it is after this event; its subject is the merchant."""

    endpoint_id: str
    url: str
    events: tuple[str, ...]
    """The types of events it is sent: `payment.captured`, `payment.*` or `*`."""
    generation: int
    """Of its secret; never the secret."""
    disabled: bool = False
    reason: str | None = None


class WebhookEndpointCreated(WebhookEndpointEvent, frozen=True, kw_only=True, tag="webhook_endpoint.created"):
    pass


class WebhookEndpointUpdated(WebhookEndpointEvent, frozen=True, kw_only=True, tag="webhook_endpoint.updated"):
    pass


class WebhookEndpointRotated(WebhookEndpointEvent, frozen=True, kw_only=True, tag="webhook_endpoint.rotated"):
    """It has a new secret."""


class WebhookEndpointDisabled(
    WebhookEndpointEvent, frozen=True, kw_only=True, tag="webhook_endpoint.disabled"
):
    """Nothing more is sent to it. `reason`: why, where it was not the merchant's wish."""


class RequestRefused(MerchantEvent, frozen=True, kw_only=True, tag="request.refused", gc=False):
    """A request was refused, with no posting. `code` is stable; the request is its own subject."""

    request_id: str
    request_type: str
    code: str
    detail: str = ""
    payment_id: str | None = None
    refund_id: str | None = None
    payout_id: str | None = None
    amount: int | None = None
    currency: str | None = None


PaymentsEvent = (
    MerchantConfigured
    | PaymentCaptured
    | PaymentCorrected
    | PaymentIdentified
    | PaymentWasAuthorized
    | PaymentNeedsAction
    | PaymentHasFailed
    | PaymentWasVoided
    | PaymentHasExpired
    | PaymentWasCreated
    | OperationRequested
    | OperationAccepted
    | OperationDeclined
    | OperationUnknown
    | OperationStuck
    | PaymentFlagged
    | PaymentSettlementChanged
    | FundsReleased
    | RefundAccepted
    | RefundRecorded
    | RefundConfirmed
    | RefundCorrected
    | RefundHasFailed
    | DisputeWasOpened
    | DisputeWasWon
    | DisputeWasLost
    | DisputeUpdated
    | PayoutStarted
    | PayoutWasApproved
    | PayoutWasRejected
    | PayoutWasAccepted
    | PayoutIsUnknown
    | PayoutIsStuck
    | PayoutWasPaid
    | PayoutHasFailed
    | PayoutCameBack
    | WebhookEndpointCreated
    | WebhookEndpointUpdated
    | WebhookEndpointRotated
    | WebhookEndpointDisabled
    | RequestRefused
)
"""Everything that may stand on `payments.events`."""
