"""Reports of runs on a real PostgreSQL: every question is right SQL, and says what there is."""

from __future__ import annotations

from datetime import UTC, date, datetime

from app.domain.run_scope import RunScope
from app.store.run_report import make_report

DAY = date(2026, 11, 21)


async def test_an_empty_database_has_an_empty_report(pool: object) -> None:
    steps: list[str] = []
    report = await make_report(pool, RunScope(), DAY, None, tell=steps.append)
    assert (report.sides, report.matched, report.open, report.largest) == ((), (), (), ())
    assert report.changes.since_run_id is None
    assert len(steps) == 4
    everything = RunScope(source="acq", first=DAY, last=DAY, merchant_id="m", payment_id="p", invoice_id="i")
    await make_report(pool, everything, DAY, datetime(2026, 11, 21, tzinfo=UTC))
