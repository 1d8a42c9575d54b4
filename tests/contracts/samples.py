"""One sample of every record type, full and with the required fields only; golden bytes are made from them.

The goldens in `golden/` are what is stored in logs for years: a sample may be added or get new fields beside
a new golden, but a golden that is there is never changed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from app.domain import banking as b
from app.domain import commands as c
from app.domain import settlement as s
from app.domain.command_base import Payer
from app.domain.configuration import (
    BookRates,
    FeePlan,
    PayoutSchedule,
    PspConfiguration,
    Rate,
    SourceConfiguration,
)
from app.domain.effect_policy import EffectLimits
from app.domain.ledger_events import LedgerEntry, LedgerTransaction
from app.domain.webhooks import WebhookReceived
from tests.contracts.alert_samples import ALERTS, ALERTS_EARLIER, ALERTS_FULL, ALERTS_MINIMAL
from tests.contracts.asking_samples import ASKING_FULL, ASKING_MINIMAL
from tests.contracts.banking_samples import BANKING_FULL, BANKING_MINIMAL
from tests.contracts.effect_samples import EFFECTS_FULL, EFFECTS_MINIMAL
from tests.contracts.endpoint_samples import ENDPOINTS_FULL, ENDPOINTS_MINIMAL
from tests.contracts.event_samples import EVENTS, EVENTS_MINIMAL, NAMED, PAYOUT_STARTED_EARLIER
from tests.contracts.matching_samples import MATCHING_EARLIER, MATCHING_FULL, MATCHING_MINIMAL
from tests.contracts.run_samples import RUNS_FULL, RUNS_MINIMAL
from tests.contracts.workflow_samples import MISMATCH_EARLIER, MISMATCHES_FULL, MISMATCHES_MINIMAL

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 20, 9, 0, 1, 250_000, tzinfo=UTC)
PAYMENT: Final[dict[str, Any]] = {"merchant_id": "m-1", "payment_id": "pay-1"}
MONEY: Final[dict[str, Any]] = {"amount": 12345, "currency": "EUR"}
LINE: Final[dict[str, Any]] = {
    "source": "acquirer-a",
    "psp": "stripe",
    "batch_id": "B1",
    "line_id": "L1",
    "kind": "capture",
    "currency": "EUR",
    "gross": 12345,
    "settle_currency": "EUR",
    "booked_on": date(2026, 11, 21),
}
LINE_FULL: Final[dict[str, Any]] = {
    **LINE,
    "psp_payment_id": "pi_1",
    "merchant_ref": "o-1",
    "fee": 388,
    "tax": 12,
    "reserve": 100,
    "net": 11845,
    "rate": "1.0",
}
LINE_MINIMAL: Final[dict[str, Any]] = {**LINE, "merchant_ref": "o-1", "net": 12345}
BANK_LINE: Final[dict[str, Any]] = {
    "account": "DE89370400440532013000",
    "line_id": "L7",
    "amount": 11957,
    "currency": "EUR",
    "value_date": date(2026, 11, 22),
}
BANK_LINE_FULL: Final[dict[str, Any]] = {
    **BANK_LINE,
    "booking_date": date(2026, 11, 23),
    "remittance": "PAYOUT B1",
    "end_to_end_id": "E2E-1",
}
NAMES: Final[dict[str, Any]] = {"order_ref": "o-1", "invoice_id": "INV-1"}
DISPUTE: Final[dict[str, Any]] = {**PAYMENT, **MONEY, "dispute_id": "dp-1"}
PAYMENT_FACTS: Final[tuple[type[c.PaymentFact], ...]] = (
    c.PaymentAuthorized,
    c.PaymentActionRequired,
    c.PaymentFailed,
    c.PaymentVoided,
    c.PaymentExpired,
)

FULL: Final[tuple[msgspec.Struct, ...]] = (
    *EVENTS,
    *MATCHING_FULL,
    *EFFECTS_FULL,
    *ALERTS_FULL,
    *RUNS_FULL,
    *ASKING_FULL,
    *BANKING_FULL,
    *MISMATCHES_FULL,
    *ENDPOINTS_FULL,
    c.PlatformConfigure(
        id="p-1",
        default_plan=FeePlan(bps=290, fixed={"USD": 30, "EUR": 25}),
        default_release_delay_days=3,
        release_delay_seconds=2,
        payout_account="DE89370400440532013000",
        parking_window_seconds=6,
        default_psp="stripe",
        payout_psp="stripe",
        payout_approval_above=100_000,
        psps={
            "stripe": PspConfiguration(
                fee_plan=FeePlan(bps=150, fixed={"EUR": 25}),
                fee_payer="merchant",
                settlement_window_seconds=8,
                fee_tolerance=2,
                gross_tolerance=1,
                dispute_loss_bearer="platform",
                dispute_fee_passed_on=True,
                api=True,
                live=False,
                authorization_seconds=3600,
            )
        },
        sources={
            "acquirer-a": SourceConfiguration(psp="stripe", payment_window_seconds=5, min_wait_seconds=3)
        },
        book=BookRates(currency="USD", rates={"EUR": Rate(value=10850, scale=4, quote_id="q-1")}),
        effects={"psp:stripe": EffectLimits(concurrency=4, per_second=2.5, pauses_seconds=(1.0, 60.0))},
        alerts=ALERTS,
        approval_limits={"approver": 500_000, "lead": None},
    ),
    c.MerchantConfigure(
        id="c0",
        merchant_id="m-1",
        name="Acme",
        settlement_currency="EUR",
        fee_plan=FeePlan(bps=290, fixed={"EUR": 30}),
        release_delay_days=1,
        release_delay_seconds=4,
        negative_limit=500,
        payout_approval_above=50_000,
        payout_schedule=PayoutSchedule(
            interval="weekly", weekday=4, day=15, minimum=1000, reserve=500, every_seconds=60
        ),
    ),
    c.PaymentRecord(
        id="c1",
        **PAYMENT,
        **MONEY,
        capture_id="cap-2",
        psp="stripe",
        psp_payment_id="pi_1",
        psp_capture_id="ch_2",
        method="card",
        occurred_at=LATER,
        order_ref="o-1",
        invoice_id="INV-1",
        payer=Payer(
            id="c-1",
            tax_id="DE123",
            email="a@example.org",
            ip="203.0.113.7",
            device="d-1",
            card_fingerprint="f-1",
            location=(52.5, 13.4),
        ),
    ),
    *(
        fact(id="f1", **PAYMENT, **MONEY, psp="stripe", **NAMED, **NAMES, occurred_at=AT)
        for fact in PAYMENT_FACTS
    ),
    c.RefundRecord(id="c2", **PAYMENT, **MONEY, refund_id="re-1", psp_refund_id="re_1", occurred_at=AT),
    c.RefundCreate(id="c3", **PAYMENT, **MONEY, refund_id="re-2"),
    c.RefundFailed(
        id="c8", **PAYMENT, **MONEY, refund_id="re-1", psp_refund_id="re_1", reason="closed", occurred_at=AT
    ),
    c.DisputeOpened(id="d1", **DISPUTE, psp_dispute_id="dp_1", fee=1500, reason="fraudulent", occurred_at=AT),
    c.DisputeWon(id="d2", **DISPUTE, psp_dispute_id="dp_1", fee_returned=500, occurred_at=AT),
    c.DisputeLost(id="d3", **DISPUTE, psp_dispute_id="dp_1", occurred_at=AT),
    c.SettlementMatched(
        id="mc.0.9.1",
        **PAYMENT,
        object_id="pay-1",
        kind="capture",
        matched=True,
        occurred_at=AT,
        home="pi_1",
    ),
    c.PayoutCreate(id="c4", merchant_id="m-1", **MONEY, payout_id="po-1", requested_by="ann"),
    c.PayoutPaid(
        id="c5", merchant_id="m-1", payout_id="po-1", psp_payout_id="tr_1", bank_fee=25, occurred_at=AT
    ),
    c.PayoutFailed(
        id="c6",
        merchant_id="m-1",
        payout_id="po-1",
        psp_payout_id="tr_1",
        occurred_at=AT,
        reason="no account",
    ),
    c.PayoutReturned(
        id="c7", merchant_id="m-1", payout_id="po-1", psp_payout_id="tr_1", occurred_at=AT, reason="closed"
    ),
    c.FundsRelease(id="release/pay-1/1", **PAYMENT, capture_id="pay-1", currency="EUR"),
    c.ParkedExpire(id="parked/pay-1/1", key="m-1", subject="payment/pay-1"),
    s.ExpectationAnnounced(
        id="pc.0.7.1",
        **PAYMENT,
        psp="stripe",
        kind="capture",
        object_id="pay-1",
        identities=("pi_1", "o-1"),
        gross=12345,
        currency="EUR",
        expected_fee=388,
        occurred_at=AT,
        home="pi_1",
        has_reference=True,
    ),
    s.ExpectationWithdrawn(
        id="pc.0.7.3", psp="stripe", identity="o-1", kind="capture", merchant_id="m-1", object_id="pay-1"
    ),
    s.SettlementLine(**LINE_FULL),
    s.LineRecorded(id="acquirer-a/L1", **LINE_FULL),
    s.SettlementTrailer(
        source="acquirer-a",
        psp="stripe",
        batch_id="B1",
        count=1,
        gross=12345,
        fee=388,
        net=11957,
        settle_currency="EUR",
    ),
    s.SettlementDue(id="settlement/pi_1/1", psp="stripe", identity="pi_1", kind="capture"),
    s.PaymentDue(id="payment/pi_1/1", psp="stripe", identity="pi_1", kind="refund"),
    b.BankLine(**BANK_LINE_FULL),
    b.BankLineRecorded(id="DE89370400440532013000/L7", **BANK_LINE_FULL),
    WebhookReceived(
        psp="stripe",
        headers={"stripe-signature": "t=1795165200,v1=00ff"},
        body='{"id": "evt_1", "type": "charge.succeeded"}',
        body_base64=b"\xff\x00",
        received_at=LATER,
    ),
    LedgerTransaction(
        id="pc.0.7.2",
        kind="capture",
        **PAYMENT,
        occurred_at=AT,
        recorded_at=LATER,
        entries=(
            LedgerEntry("psp_recv:stripe", "debit", 10000, "EUR", 10000),
            LedgerEntry("m_pend:m-1", "credit", 10000, "EUR", 10000),
        ),
        reverses="pc.0.6.0",
        source_topic="payments.commands",
        source_partition=0,
        source_offset=7,
    ),
)
MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    *EVENTS_MINIMAL,
    *MATCHING_MINIMAL,
    *EFFECTS_MINIMAL,
    *ALERTS_MINIMAL,
    *RUNS_MINIMAL,
    *ASKING_MINIMAL,
    *BANKING_MINIMAL,
    *MISMATCHES_MINIMAL,
    *ENDPOINTS_MINIMAL,
    c.PlatformConfigure(id="p-1"),
    c.MerchantConfigure(id="c0", merchant_id="m-1", settlement_currency="EUR"),
    c.PaymentRecord(id="c1", **PAYMENT, **MONEY, psp="stripe", order_ref="o-1", occurred_at=AT),
    *(fact(id="f1", **PAYMENT, **MONEY, psp="stripe", occurred_at=AT) for fact in PAYMENT_FACTS),
    c.RefundRecord(id="c2", **PAYMENT, **MONEY, refund_id="re-1", occurred_at=AT),
    c.RefundFailed(id="c8", **PAYMENT, **MONEY, refund_id="re-1", occurred_at=AT),
    c.DisputeOpened(id="d1", **DISPUTE, occurred_at=AT),
    c.DisputeWon(id="d2", **DISPUTE, occurred_at=AT),
    c.DisputeLost(id="d3", **DISPUTE, occurred_at=AT),
    c.PayoutPaid(id="c5", merchant_id="m-1", payout_id="po-1", occurred_at=AT),
    c.PayoutFailed(id="c6", merchant_id="m-1", payout_id="po-1", occurred_at=AT),
    c.PayoutReturned(id="c7", merchant_id="m-1", payout_id="po-1", occurred_at=AT),
    c.FundsRelease(id="release/pay-1/1", **PAYMENT, capture_id="pay-1"),
    s.ExpectationAnnounced(
        id="pc.0.7.1",
        **PAYMENT,
        psp="stripe",
        kind="capture",
        object_id="pay-1",
        identities=("pi_1",),
        gross=12345,
        currency="EUR",
        occurred_at=AT,
    ),
    s.SettlementLine(**LINE_MINIMAL),
    s.LineRecorded(id="acquirer-a/L1", **LINE_MINIMAL),
    b.BankLine(**BANK_LINE),
    b.BankLineRecorded(id="DE89370400440532013000/L7", **BANK_LINE),
    WebhookReceived(psp="adyen", received_at=AT),
    LedgerTransaction(
        id="pc.0.7.2",
        kind="capture",
        occurred_at=AT,
        recorded_at=LATER,
        entries=(),
        source_topic="payments.commands",
        source_partition=0,
        source_offset=7,
    ),
)


EARLIER: Final[dict[str, msgspec.Struct]] = (
    MATCHING_EARLIER
    | MISMATCH_EARLIER
    | ALERTS_EARLIER
    | {
        "settlement.matched.1": c.SettlementMatched(
            id="mc.0.9.1", **PAYMENT, object_id="pay-1", kind="capture", matched=True, occurred_at=AT
        ),
        "platform.configure.1": c.PlatformConfigure(
            id="p-1",
            default_plan=FeePlan(bps=290, fixed={"USD": 30, "EUR": 25}),
            default_release_delay_days=3,
            release_delay_seconds=2,
            payout_account="DE89370400440532013000",
            psps={
                "stripe": PspConfiguration(
                    fee_plan=FeePlan(bps=150, fixed={"EUR": 25}),
                    fee_payer="merchant",
                    settlement_window_seconds=8,
                    fee_tolerance=2,
                    gross_tolerance=1,
                )
            },
            sources={
                "acquirer-a": SourceConfiguration(psp="stripe", payment_window_seconds=5, min_wait_seconds=3)
            },
            book=BookRates(currency="USD", rates={"EUR": Rate(value=10850, scale=4, quote_id="q-1")}),
        ),
        "merchant.configure.1": c.MerchantConfigure(
            id="c0",
            merchant_id="m-1",
            name="Acme",
            settlement_currency="EUR",
            fee_plan=FeePlan(bps=290, fixed={"EUR": 30}),
            release_delay_days=1,
            release_delay_seconds=4,
            negative_limit=500,
        ),
        "payout.create.1": c.PayoutCreate(id="c4", merchant_id="m-1", **MONEY, payout_id="po-1"),
        "payout.started.1": PAYOUT_STARTED_EARLIER,
        "platform.configure.2": c.PlatformConfigure(
            id="p-1",
            default_plan=FeePlan(bps=290, fixed={"USD": 30, "EUR": 25}),
            default_release_delay_days=3,
            release_delay_seconds=2,
            payout_account="DE89370400440532013000",
            parking_window_seconds=6,
            psps={
                "stripe": PspConfiguration(
                    fee_plan=FeePlan(bps=150, fixed={"EUR": 25}),
                    fee_payer="merchant",
                    settlement_window_seconds=8,
                    fee_tolerance=2,
                    gross_tolerance=1,
                    dispute_loss_bearer="platform",
                    dispute_fee_passed_on=True,
                )
            },
            sources={
                "acquirer-a": SourceConfiguration(psp="stripe", payment_window_seconds=5, min_wait_seconds=3)
            },
            book=BookRates(currency="USD", rates={"EUR": Rate(value=10850, scale=4, quote_id="q-1")}),
        ),
        "expectation.announced.1": s.ExpectationAnnounced(
            id="pc.0.7.1",
            **PAYMENT,
            psp="stripe",
            kind="capture",
            object_id="pay-1",
            identities=("pi_1", "o-1"),
            gross=12345,
            currency="EUR",
            expected_fee=388,
            occurred_at=AT,
        ),
    }
)
"""Golden's name -> what a record of before a field was added says. When a full golden gains a field, `git mv`
the old bytes to `<type>.<n>.json`, keep their sample here, and write the full one anew."""
