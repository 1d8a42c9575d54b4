"""Samples of what is asked of PSPs, and of its answers, on `payments.commands`; and the events about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain import events as e
from app.domain import payment_requests as r
from app.domain.command_base import Payer
from app.domain.commands import PayoutDue
from app.domain.psp_calls import PspAnswered
from app.domain.psp_facts import PspFact
from app.domain.split_records import SplitCaptured, SplitDue, SplitPosted, SplitRefund

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAYMENT: Final[dict[str, Any]] = {"merchant_id": "m-1", "payment_id": "pay-1"}
MONEY: Final[dict[str, Any]] = {"amount": 12345, "currency": "EUR"}
CREATE: Final[dict[str, Any]] = {"id": "rq_1", **PAYMENT, **MONEY}
ANSWERED: Final[dict[str, Any]] = {
    "id": "pc.0.7.0/00ff",
    "merchant_id": "m-1",
    "effect_id": "pc.0.7.0",
    "psp": "stripe",
    "operation": "capture",
    "object_id": "cap-1",
    "outcome": "done",
    "answered_at": AT,
}
FACT: Final = PspFact(
    kind="captured",
    psp="stripe",
    psp_payment_id="pi_1",
    psp_object_id="ch_1",
    amount=12345,
    currency="EUR",
    occurred_at=AT,
    object_id="cap-1",
)
OPERATION: Final[dict[str, Any]] = {
    "id": "pc.0.7.1",
    "seq": 1,
    **PAYMENT,
    **MONEY,
    "occurred_at": AT,
    "status": "executing",
    "operation": "session",
    "object_id": "pay-1",
    "psp": "stripe",
    "effect_id": "pc.0.7.0",
}
OPERATION_FULL: Final[dict[str, Any]] = {
    **OPERATION,
    "flags": ("unknown_merchant",),
    "transaction_id": "pc.0.7.2",
    "reason": "timeout",
    "url": "https://psp.example/s1",
}
OPERATION_EVENTS: Final = (
    e.PaymentWasCreated,
    e.OperationRequested,
    e.OperationAccepted,
    e.OperationDeclined,
    e.OperationUnknown,
    e.OperationStuck,
)
SHARE: Final[dict[str, Any]] = {
    "id": "pc.0.7.3",
    "merchant_id": "m-2",
    "payment_id": "split_1",
    "capture_id": "split_2",
    **MONEY,
    "psp": "stripe",
    "parent_merchant_id": "m-1",
    "parent_payment_id": "pay-1",
    "occurred_at": AT,
}
PAYOUT: Final[dict[str, Any]] = {
    "id": "pc.0.7.1",
    "seq": 2,
    "merchant_id": "m-1",
    "payout_id": "po-1",
    **MONEY,
    "occurred_at": AT,
    "status": "started",
}
PAYOUT_FULL: Final[dict[str, Any]] = {**PAYOUT, "psp_payout_id": "tr_1", "transaction_id": "pc.0.7.0"}
PAYOUT_CALL_EVENTS: Final = (e.PayoutWasAccepted, e.PayoutIsUnknown, e.PayoutIsStuck)

ASKING_FULL: Final[tuple[msgspec.Struct, ...]] = (
    r.PaymentCreate(
        **CREATE,
        psp="stripe",
        capture_method="manual",
        payment_method="pm_1",
        order_ref="o-1",
        invoice_id="INV-1",
        description="Two chairs",
        return_url="https://shop.example/back",
        payer=Payer(id="c-1", tax_id="DE123"),
        confirm_duplicate=True,
        line_items=(
            r.LineItem(merchant_id="m-2", amount=10000, description="A chair"),
            r.LineItem(merchant_id="m-3", amount=2345),
        ),
    ),
    r.PaymentCapture(id="rq_2", **PAYMENT, **MONEY, capture_id="cap-1"),
    r.PaymentVoid(id="rq_3", **PAYMENT),
    r.PayoutApprove(id="rq_4", merchant_id="m-1", payout_id="po-1", by="ann"),
    r.PayoutReject(id="rq_5", merchant_id="m-1", payout_id="po-1", by="ann", reason="not yet"),
    PayoutDue(id="payout/schedule/1", merchant_id="m-1", period="2026-11-21"),
    r.AuthorizationExpire(id="authorization/pay-1/1", **PAYMENT),
    r.PaymentInquire(id="inquiry/pay-1/1", **PAYMENT, done_rounds=2),
    r.PayoutInquire(id="payout_inquiry/po-1/1", merchant_id="m-1", payout_id="po-1", done_rounds=2),
    SplitCaptured(**SHARE, order_ref="o-1"),
    SplitRefund(id="pc.1.3.0", **PAYMENT, part="split_1", part_refund_id="re-1", amount=500, currency="EUR"),
    SplitPosted(id="pc.1.3.1", **PAYMENT, part="split_1", posted=11845, part_seq=3),
    SplitDue(id="split/pay-1/1", **PAYMENT),
    PspAnswered(
        **ANSWERED,
        payment_id="pay-1",
        facts=(FACT,),
        psp_object_id="ch_1",
        url="https://psp.example/3ds",
        reason="slow",
    ),
    *(event(**OPERATION_FULL) for event in OPERATION_EVENTS),
    e.PayoutWasApproved(**PAYOUT_FULL, by="ann"),
    e.PayoutWasRejected(**PAYOUT_FULL, by="ann", reason="not yet"),
    *(event(**PAYOUT_FULL, reason="timeout") for event in PAYOUT_CALL_EVENTS),
)
ASKING_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    r.PaymentCreate(**CREATE),
    SplitCaptured(**SHARE),
    PspAnswered(**ANSWERED),
    *(event(**OPERATION) for event in OPERATION_EVENTS),
    e.PayoutWasApproved(**PAYOUT, by="ann"),
    e.PayoutWasRejected(**PAYOUT, by="ann", reason="not yet"),
    *(event(**PAYOUT) for event in PAYOUT_CALL_EVENTS),
)
