"""Samples of what people may have to hear of, and of who is told; see `samples.py`."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, Final

import msgspec

from app.domain import alert_records as a
from app.domain import effects as e
from app.domain.alert_delivery import AlertMessage, CountDigest, EmailAlert, SlackAlert, WebhookAlert
from app.domain.alert_rules import (
    AlertChannel,
    AlertConfiguration,
    AlertDigest,
    AlertRule,
    OperatorThresholds,
)
from app.domain.commands import PlatformConfigure
from app.domain.configuration import BookRates, FeePlan, PspConfiguration, Rate, SourceConfiguration
from app.domain.effect_policy import EffectLimits

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ALERTS: Final = AlertConfiguration(
    channels={
        "ops-slack": AlertChannel(kind="slack", fallback="finance-mail"),
        "finance-mail": AlertChannel(kind="email", to=("finance@example.org",)),
    },
    rules=(
        AlertRule(
            channels=("ops-slack",),
            severities=("CRITICAL",),
            categories=("AMOUNT_UNDER",),
            merchants=("m-1",),
            psps=("stripe",),
        ),
    ),
    operators=("ops-slack",),
    digests={"daily": AlertDigest(channels=("finance-mail",), at=time(6, 30), time_zone="Europe/Berlin")},
    thresholds=OperatorThresholds(dead_letters=5, lag_seconds=30),
    group_above=20,
    repeat_seconds=3600,
)
MESSAGE: Final = AlertMessage(
    alert_id="al_1",
    number=2,
    what="grown",
    severity="CRITICAL",
    lane="stripe",
    title="CRITICAL: AMOUNT_UNDER at stripe, 10 open (more)",
    text="10 opened since 2026-11-20 09:00 UTC, 10 of them still open.",
    category="AMOUNT_UNDER",
    merchant_id="m-1",
    psp="stripe",
    scope="B1",
    opened=10,
    open=10,
    mismatch_ids=("mm_1",),
    at=AT,
)
NOTICED: Final[dict[str, Any]] = {
    "lane": "stripe",
    "mismatch_id": "mm_1",
    "category": "AMOUNT_UNDER",
    "severity": "CRITICAL",
    "detected_at": AT,
}
PLATFORM: Final = "platform"
COUNTED: Final[dict[str, Any]] = {"digest": "daily", "day": "2026-11-21", "since": AT, "until": LATER}

ALERTS_FULL: Final[tuple[msgspec.Struct, ...]] = (
    a.MismatchNoticed(
        id="mc.0.9.1",
        **NOTICED,
        is_open=True,
        is_new=True,
        psp="stripe",
        merchant_id="m-1",
        batch_id="B1",
        payment_id="pay-1",
        currency="EUR",
        expected_amount=12_345_678,
        actual_amount=-1,
    ),
    a.ConditionNoticed(
        id="condition/1",
        lane=PLATFORM,
        name="halted_partition",
        subject="payments.commands:3",
        failing=True,
        value=1,
        detail="an invariant is broken",
        at=AT,
    ),
    a.AlertUndelivered(
        id="er.0.7.0",
        lane="stripe",
        channel="ops-slack",
        message=MESSAGE,
        tried=("pager",),
        reason="given up after 9 attempts",
    ),
    a.AlertDue(id="alert.again/al_1/1795165200000", lane="stripe", alert_id="al_1"),
    a.DigestPlanned(id="al.0.7.0", lane=PLATFORM),
    a.DigestDue(id="digest.due/daily/1795165200000", lane=PLATFORM, digest="daily", since=AT, until=LATER),
    a.DigestCounted(
        id="digest/1",
        lane=PLATFORM,
        **COUNTED,
        lines=(a.DigestLine(severity="LOW", category="LATE", opened=4, resolved=1, open=7),),
    ),
    a.AlertTest(id="test/1", lane=PLATFORM, channel="ops-slack", by="ops"),
)
ALERTS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    a.MismatchNoticed(id="mc.0.9.2", **NOTICED, is_open=False),
    a.ConditionNoticed(id="condition/2", lane=PLATFORM, name="lag", failing=False, at=AT),
    a.AlertUndelivered(id="er.0.7.1", lane="stripe", channel="ops-slack", message=MESSAGE),
    a.DigestCounted(id="digest/2", lane=PLATFORM, **COUNTED),
)
WORKS: Final[tuple[e.Work, ...]] = (
    SlackAlert(channel="ops-slack", message=MESSAGE),
    EmailAlert(
        channel="finance-mail",
        message=MESSAGE,
        tried=("ops-slack",),
        because="HTTP 500",
        to=("finance@example.org",),
    ),
    WebhookAlert(channel="pager", message=MESSAGE),
    CountDigest(**COUNTED),
)
"""As works of `effect.requested`."""

ALERTS_EARLIER: Final[dict[str, msgspec.Struct]] = {
    "platform.configure.3": PlatformConfigure(
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
    ),
}
