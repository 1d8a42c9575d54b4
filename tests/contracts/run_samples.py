"""Samples of reconciliation runs, their schedules and the closing of periods; see `samples.py`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Final

import msgspec

from app.domain import run_scope as s
from app.domain import runs as r
from app.domain.configuration import SettlementCalendar
from app.domain.opening import MerchantBalanceOpened, PlatformBalanceOpened
from app.domain.periods import PeriodClose
from app.domain.schedule_times import Timing

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY: Final = date(2026, 11, 20)
SCOPE: Final = s.RunScope(
    source="acquirer-a",
    first=date(2026, 11, 1),
    last=DAY,
    merchant_id="m-1",
    payment_id="pay-1",
    invoice_id="INV-1",
)
BY_SCHEDULE: Final = s.RunScope(source="acquirer-a", merchant_id="m-1")
REPORT: Final = s.RunReport(
    as_of=DAY,
    known_at=AT,
    snapshot_at=AT,
    configuration_version=7,
    sides=(
        s.SideFigures(
            side="expected", currency="EUR", count=2, amount=24690, matched_count=1, matched_amount=12345
        ),
    ),
    matched=(s.RuleFigures(leg="A", rule="A1", currency="EUR", count=1, amount=12345),),
    open=(
        s.OpenFigures(
            category="MISSING_SETTLEMENT", severity="LOW", age="2-3", currency="EUR", count=1, at_stake=12345
        ),
    ),
    largest=(
        s.OpenMismatch(
            id="mm_1",
            category="MISSING_SETTLEMENT",
            severity="LOW",
            status="open",
            age="2-3",
            fact_on=DAY,
            merchant_id="m-1",
            payment_id="pay-1",
            batch_id="B1",
            currency="EUR",
            expected_amount=12345,
            actual_amount=0,
        ),
    ),
    changes=s.Changes(
        since_run_id="run-0",
        since=AT,
        opened=1,
        resolved=2,
        opened_ids=("mm_1",),
        resolved_ids=("mm_2", "mm_3"),
        matched_count=5,
    ),
)
RUN: Final[dict[str, Any]] = {
    "run_id": "month@20261201T0600Z",
    "scope": SCOPE,
    "as_of": DAY,
    "by": "schedule:month",
    "schedule_id": "month",
    "occurred_at": AT,
}
MINIMAL_RUN: Final[dict[str, Any]] = {
    "run_id": "run-1", "scope": s.RunScope(), "as_of": DAY, "by": "key:k1", "occurred_at": AT
}  # fmt: skip
FIGURES: Final = s.Figures(matched=1, open=1, opened=1, resolved=2)

RUNS_FULL: Final[tuple[msgspec.Struct, ...]] = (
    PeriodClose(id="close-2026-10", through=date(2026, 10, 31), by="key:k1"),
    PlatformBalanceOpened(
        id="opening/bank:main/EUR", account="bank:main", currency="EUR", amount=-500, on=DAY, by="key:k1"
    ),
    MerchantBalanceOpened(
        id="opening/m_avail:m-1/EUR", merchant_id="m-1", currency="EUR", amount=500, on=DAY, by="key:k1"
    ),
    r.RunRequest(
        id="rq_1",
        run_id="month@20261201T0600Z",
        scope=SCOPE,
        as_of=DAY,
        known_at=AT,
        by="schedule:month",
        schedule_id="month",
        due_at=AT,
        merged=2,
    ),
    r.RunFinished(id="rc.0.1.0/00ff", run_id="run-1", outcome="done", report=REPORT, reason="late"),
    r.SchedulePut(
        id="rq_2",
        schedule_id="month",
        name="Month's end",
        scope=BY_SCHEDULE,
        timing=Timing(kind="cron", cron="0 6 1 * *", at=time(5), weekdays=(0, 4), business_days=True),
        calendar=SettlementCalendar(
            time_zone="Europe/Berlin", cut_off=time(18), holidays=(date(2026, 12, 25),)
        ),
        covers="month",
        enabled=False,
        by="key:k1",
    ),
    r.ScheduleDelete(id="rq_3", schedule_id="month", by="key:k1"),
    r.ScheduleDue(id="schedule/month/1", schedule_id="month", due_at=AT),
    r.RunAsked(id="rc.0.1.1", seq=1, **RUN, figures=FIGURES, reason="-"),
    r.RunDone(id="rc.0.2.0", seq=2, **RUN, figures=FIGURES, reason="-"),
    r.RunFailed(id="rc.0.2.1", seq=2, **RUN, figures=FIGURES, reason="given up"),
)
RUNS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    r.RunRequest(id="rq_1", run_id="run-1", by="key:k1"),
    r.RunFinished(id="rc.0.1.0/00ff", run_id="run-1", outcome="failed"),
    r.SchedulePut(id="rq_2", schedule_id="daily", by="key:k1"),
    r.RunAsked(id="rc.0.1.1", seq=1, **MINIMAL_RUN),
    r.RunDone(id="rc.0.2.0", seq=2, **MINIMAL_RUN),
    r.RunFailed(id="rc.0.2.1", seq=2, **MINIMAL_RUN),
)
