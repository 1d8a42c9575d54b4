"""Samples of `payments.events`, full and with the required fields only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain import events as e

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MONEY: Final[dict[str, Any]] = {"amount": 12345, "currency": "EUR"}
EVENT: Final[dict[str, Any]] = {"id": "pc.0.7.1", "seq": 1, "merchant_id": "m-1", "occurred_at": AT}
PAYMENT_EVENT: Final[dict[str, Any]] = {**EVENT, **MONEY, "payment_id": "pay-1", "status": "captured"}
STATUS_EVENT: Final[dict[str, Any]] = {**PAYMENT_EVENT, "psp": "stripe"}
NAMED: Final[dict[str, Any]] = {"psp_payment_id": "pi_1", "reason": "insufficient_funds"}
ENDPOINT: Final[dict[str, Any]] = {
    **EVENT,
    "endpoint_id": "we_1",
    "url": "https://merchant.example/hooks",
    "events": ("payment.*", "refund.failed"),
    "generation": 2,
}
STATUS_EVENTS: Final = (
    (e.PaymentWasAuthorized, "authorized"),
    (e.PaymentNeedsAction, "requires_action"),
    (e.PaymentHasFailed, "failed"),
    (e.PaymentWasVoided, "voided"),
    (e.PaymentHasExpired, "expired"),
)
CAPTURE_EVENT: Final[dict[str, Any]] = {
    **PAYMENT_EVENT,
    "capture_id": "pay-1",
    "psp": "stripe",
    "platform_fee": 388,
    "platform_version": 0,
    "merchant_version": -1,
}
REFUND_EVENT: Final[dict[str, Any]] = {**PAYMENT_EVENT, "refund_id": "re-1", "refunded_amount": 500}
SETTLEMENT_EVENT: Final[dict[str, Any]] = {
    **PAYMENT_EVENT,
    "object_id": "pay-1",
    "kind": "capture",
    "matched": True,
    "settlement_status": "matched",
}
DISPUTE_EVENT: Final[dict[str, Any]] = {
    **PAYMENT_EVENT,
    "dispute_id": "dp_1",
    "disputed_amount": 12345,
    "dispute_status": "open",
}
DISPUTE_DETAILS: Final[dict[str, Any]] = {
    "psp_dispute_id": "dp_1",
    "fee": 1500,
    "fee_returned": 500,
    "replaces": ("dp-1",),
    "reason": "fraudulent",
}
DISPUTE_EVENTS: Final = (e.DisputeWasOpened, e.DisputeWasWon, e.DisputeWasLost, e.DisputeUpdated)
PAYOUT_EVENT: Final[dict[str, Any]] = {**EVENT, **MONEY, "payout_id": "po-1"}
POSTED: Final[dict[str, Any]] = {"flags": ("MERCHANT_UNKNOWN",), "transaction_id": "pc.0.7.0"}
PAID_OUT: Final[dict[str, Any]] = {"psp_payout_id": "tr_1", "transaction_id": "pc.0.7.0"}
EVENTS: Final[tuple[msgspec.Struct, ...]] = (
    e.MerchantConfigured(**EVENT, merchant_version=7),
    e.PaymentCaptured(**CAPTURE_EVENT, **POSTED, psp_capture_id="pi_1", psp_fee=210),
    e.PaymentCorrected(**CAPTURE_EVENT, **POSTED, psp_capture_id="pi_1", psp_fee=210),
    e.PaymentIdentified(**PAYMENT_EVENT, **POSTED, capture_id="pay-1", psp_capture_id="pi_1", alias="pay-9"),
    *(event(**{**STATUS_EVENT, "status": status}, **NAMED, **POSTED) for event, status in STATUS_EVENTS),
    e.PaymentFlagged(**PAYMENT_EVENT, **POSTED),
    e.PaymentSettlementChanged(**SETTLEMENT_EVENT, **POSTED),
    e.FundsReleased(**PAYMENT_EVENT, **POSTED, capture_id="pay-1"),
    e.RefundAccepted(**REFUND_EVENT, **POSTED, psp_refund_id="re_1"),
    e.RefundRecorded(**REFUND_EVENT, **POSTED, psp_refund_id="re_1"),
    e.RefundConfirmed(**REFUND_EVENT, **POSTED, psp_refund_id="re_1"),
    e.RefundCorrected(**REFUND_EVENT, **POSTED, psp_refund_id="re_1"),
    e.RefundHasFailed(**REFUND_EVENT, **POSTED, psp_refund_id="re_1", reason="closed"),
    *(event(**DISPUTE_EVENT, **DISPUTE_DETAILS, **POSTED) for event in DISPUTE_EVENTS),
    e.PayoutStarted(
        **PAYOUT_EVENT, **PAID_OUT, status="started", parts={"funds_released": 12345}, residual=0
    ),
    e.PayoutWasPaid(**PAYOUT_EVENT, **PAID_OUT, status="paid", bank_fee=25),
    e.PayoutHasFailed(**PAYOUT_EVENT, **PAID_OUT, status="failed"),
    e.PayoutCameBack(**PAYOUT_EVENT, **PAID_OUT, status="returned"),
    *[
        event(**ENDPOINT, disabled=True, reason="the endpoint answered 410")
        for event in (
            e.WebhookEndpointCreated,
            e.WebhookEndpointUpdated,
            e.WebhookEndpointRotated,
            e.WebhookEndpointDisabled,
        )
    ],
    e.RequestRefused(
        **EVENT,
        **MONEY,
        request_id="c3",
        request_type="refund.create",
        code="refund_exceeds_capture",
        detail="500 of 400 left",
        payment_id="pay-1",
        refund_id="re-2",
        payout_id="po-1",
    ),
)
EVENTS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    e.PaymentCaptured(**CAPTURE_EVENT),
    e.PaymentCorrected(**CAPTURE_EVENT),
    e.PaymentIdentified(**PAYMENT_EVENT, capture_id="pay-1"),
    *(event(**{**STATUS_EVENT, "status": status}) for event, status in STATUS_EVENTS),
    e.PaymentFlagged(**PAYMENT_EVENT),
    e.PaymentSettlementChanged(**SETTLEMENT_EVENT),
    e.FundsReleased(**PAYMENT_EVENT, capture_id="pay-1"),
    e.RefundAccepted(**REFUND_EVENT),
    e.RefundRecorded(**REFUND_EVENT),
    e.RefundConfirmed(**REFUND_EVENT),
    e.RefundCorrected(**REFUND_EVENT),
    e.RefundHasFailed(**REFUND_EVENT),
    *(event(**DISPUTE_EVENT) for event in DISPUTE_EVENTS),
    e.PayoutStarted(**PAYOUT_EVENT, status="started"),
    e.PayoutWasPaid(**PAYOUT_EVENT, status="paid"),
    e.PayoutHasFailed(**PAYOUT_EVENT, status="failed"),
    e.PayoutCameBack(**PAYOUT_EVENT, status="returned"),
    e.WebhookEndpointCreated(**ENDPOINT),
    e.WebhookEndpointUpdated(**ENDPOINT),
    e.WebhookEndpointRotated(**ENDPOINT),
    e.WebhookEndpointDisabled(**ENDPOINT),
    e.RequestRefused(**EVENT, request_id="c3", request_type="payout.create", code="insufficient_funds"),
)
PAYOUT_STARTED_EARLIER: Final = e.PayoutStarted(**PAYOUT_EVENT, **PAID_OUT, status="started")
"""Of before payouts kept what they are made of."""
