"""Schedules fire once and catch up in one run; a run asks for its report and keeps the first one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from app.domain import reconciliation_lane
from app.domain.commands import PlatformConfigure
from app.domain.configuration import PspConfiguration, SettlementCalendar, SourceConfiguration
from app.domain.decision import Draft, Ignored, Refused, Source
from app.domain.effects import EffectRequested
from app.domain.periods import PeriodClose, PeriodClosed, period_close_ref
from app.domain.run_scope import RunReport, RunScope
from app.domain.runs import (
    Run,
    RunEvent,
    RunFinished,
    RunRequest,
    Schedule,
    ScheduleDelete,
    SchedulePut,
    run_ref,
    schedule_ref,
)
from app.domain.schedule_times import Timing
from app.domain.state import Ref
from app.domain.streams import RECONCILIATION_COMMANDS
from app.domain.timers import Timer, from_epoch_ms

FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BERLIN = SettlementCalendar(time_zone="Europe/Berlin", cut_off=time(18))


class World:
    """The lane in one partition; what it sends to itself it decides at once."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Any] = {}
        self.now = FRIDAY
        self.sent: list[Any] = []
        self.offset = 0

    def get(self, ref: Ref) -> Any:
        return self.rows.get(ref)

    def send(self, record: Any) -> None:
        """Raises what the decision raises."""
        self.offset += 1
        key = reconciliation_lane.record_key(record) or ""
        draft = Draft(self, Source(RECONCILIATION_COMMANDS, 0, self.offset, key, self.now))
        reconciliation_lane.decide(draft, record)
        self.rows.update(draft.state)
        for send in draft.sends:
            self.sent.append(send.record)
            if send.topic == RECONCILIATION_COMMANDS:
                self.send(send.record)

    @property
    def timers(self) -> list[Timer]:
        return [row for ref, row in self.rows.items() if ref.kind == "timer" and row is not None]

    def fire(self, at: datetime) -> Any:
        """The schedule's timer comes at this moment, late or not; returns the record that fired."""
        (timer,) = self.timers
        assert from_epoch_ms(timer.due_at_ms) <= at
        self.now = at
        self.send(timer.record)
        return timer.record

    def runs(self) -> list[Run]:
        return [row for ref, row in self.rows.items() if ref.kind == "document" and ref.key[0] == "run"]

    def schedule(self, schedule_id: str = "daily") -> Schedule:
        found = self.rows[schedule_ref(schedule_id)]
        assert isinstance(found, Schedule)
        return found


def put(**fields: Any) -> SchedulePut:
    given: dict[str, Any] = {"id": "rq_1", "schedule_id": "daily", "calendar": BERLIN, "by": "key:k"}
    return SchedulePut(**given | fields)


@pytest.fixture
def world() -> World:
    return World()


def test_a_schedule_fires_once_and_sets_its_next_time(world: World) -> None:
    world.send(put(timing=Timing(at=time(6)), scope=RunScope(source="acq")))
    assert world.schedule().next_at == datetime(2026, 11, 21, 5, tzinfo=UTC)
    fired = world.fire(datetime(2026, 11, 21, 5, 0, 1, tzinfo=UTC))
    (run,) = world.runs()
    assert run.run_id == "daily@20261121T0500Z"
    assert (run.scope.source, run.scope.first, run.scope.last) == (
        "acq",
        date(2026, 11, 20),
        date(2026, 11, 20),
    )
    assert world.schedule().next_at == datetime(2026, 11, 22, 5, tzinfo=UTC)
    with pytest.raises(Ignored):
        world.send(fired)
    assert len(world.runs()) == 1
    (asked,) = [record for record in world.sent if isinstance(record, EffectRequested)]
    assert msgspec.to_builtins(asked.work)["run_id"] == run.run_id


def test_what_an_outage_made_late_is_one_run_over_all_its_days(world: World) -> None:
    world.send(put(timing=Timing(at=time(6))))
    world.fire(datetime(2026, 11, 25, 12, tzinfo=UTC))
    (run,) = world.runs()
    assert (run.run_id, run.merged) == ("daily@20261125T0500Z", 4)
    assert (run.scope.first, run.scope.last) == (date(2026, 11, 20), date(2026, 11, 24))
    assert world.schedule().next_at == datetime(2026, 11, 26, 5, tzinfo=UTC)


def test_an_edited_schedule_moves_its_timer_and_a_deleted_one_has_none(world: World) -> None:
    world.send(put(timing=Timing(at=time(6))))
    (before,) = world.timers
    world.send(put(id="rq_2", timing=Timing(at=time(7)), name="Later"))
    (after,) = world.timers
    assert after.due_at_ms - before.due_at_ms == 3_600_000
    with pytest.raises(Ignored):
        world.send(before.record)
    world.send(put(id="rq_3", timing=Timing(at=time(7)), enabled=False))
    assert (world.timers, world.schedule().next_at) == ([], None)
    world.send(ScheduleDelete(id="rq_4", schedule_id="daily", by="key:k"))
    assert world.rows[schedule_ref("daily")] is None
    with pytest.raises(Refused, match="schedule_not_found"):
        world.send(ScheduleDelete(id="rq_5", schedule_id="daily", by="key:k"))


def test_zone_and_cut_off_are_the_sources_unless_the_schedule_has_its_own(world: World) -> None:
    tokyo = SettlementCalendar(time_zone="Asia/Tokyo")
    world.send(
        PlatformConfigure(
            id="p",
            psps={"stripe": PspConfiguration(calendar=BERLIN)},
            sources={
                "acq": SourceConfiguration(psp="stripe", calendar=tokyo),
                "b": SourceConfiguration(psp="stripe"),
            },
        )
    )
    world.send(put(calendar=None, scope=RunScope(source="acq"), timing=Timing(at=time(6))))
    assert world.schedule().next_at == datetime(2026, 11, 20, 21, tzinfo=UTC)
    world.send(put(id="2", calendar=None, scope=RunScope(source="b"), timing=Timing(at=time(6))))
    assert world.schedule().next_at == datetime(2026, 11, 21, 5, tzinfo=UTC)
    world.send(put(id="3", calendar=None, scope=RunScope(), timing=Timing(at=time(6))))
    assert world.schedule().next_at == datetime(2026, 11, 21, 6, tzinfo=UTC)


def test_the_first_report_counts_and_a_late_one_mends_a_failure(world: World) -> None:
    world.send(RunRequest(id="rq", run_id="r", by="key:k"))
    report = RunReport(as_of=date(2026, 11, 20), known_at=FRIDAY, snapshot_at=FRIDAY)
    world.send(RunFinished(id="a", run_id="r", outcome="failed", reason="given up"))
    world.send(RunFinished(id="b", run_id="r", outcome="done", report=report))
    with pytest.raises(Ignored):
        world.send(RunFinished(id="c", run_id="r", outcome="done", report=report))
    run: Run = world.rows[run_ref("r")]
    assert (run.status, run.report, run.reason) == ("done", report, None)
    events = [record for record in world.sent if isinstance(record, RunEvent)]
    tags = [type(event).__struct_config__.tag for event in events]
    assert tags == ["run.requested", "run.failed", "run.done"]
    assert [event.seq for event in events] == [1, 2, 3]
    with pytest.raises(Refused, match="run_exists"):
        world.send(RunRequest(id="rq2", run_id="r", by="key:k"))
    with pytest.raises(Ignored):
        world.send(RunFinished(id="d", run_id="nobody's", outcome="failed"))


def test_a_day_that_is_not_over_is_not_closed_and_none_is_closed_twice(world: World) -> None:
    with pytest.raises(Ignored, match="not over"):
        world.send(PeriodClose(id="c", through=date(2026, 11, 20), by="key:k"))
    world.now = FRIDAY + timedelta(days=1)
    world.send(PeriodClose(id="d", through=date(2026, 11, 20), by="key:k"))
    closed = world.rows[period_close_ref(f"{RECONCILIATION_COMMANDS}:0", date(2026, 11, 20))]
    assert isinstance(closed, PeriodClosed)
    assert (closed.offset, closed.closed_at) == (2, world.now)
    with pytest.raises(Ignored, match="closed already"):
        world.send(PeriodClose(id="e", through=date(2026, 11, 20), by="key:k"))
