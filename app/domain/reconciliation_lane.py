"""The reconciliation lane, keyed by run or schedule: keeps schedules, asks for runs, keeps what they found.

It reads no books: a report is made by the executor of effects, from one snapshot of the database, and comes
back as a record. A schedule's timer fires once, however many workers there are; what an outage made late is
one run, which covers the days of all due times that were missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import takewhile
from typing import Final, assert_never

from msgspec.structs import replace

from app.domain import platform as platforms
from app.domain.calendar import check_time_zone
from app.domain.commands import PlatformConfigure
from app.domain.configuration import Platform, SettlementCalendar
from app.domain.decision import Draft, Ignored, Refused
from app.domain.effects import EffectRequested, ReportRun
from app.domain.opening import PlatformBalanceOpened, open_platform_balance, rows_of
from app.domain.periods import PeriodClose, close_period
from app.domain.run_scope import figures_of
from app.domain.runs import (
    ReconciliationLaneRecord,
    Run,
    RunAsked,
    RunDone,
    RunEvent,
    RunFailed,
    RunFinished,
    RunRequest,
    Schedule,
    ScheduleDelete,
    ScheduleDue,
    SchedulePut,
    run_ref,
    schedule_ref,
)
from app.domain.schedule_times import Days, days_of, due_times, next_due
from app.domain.state import PLATFORM, Ref
from app.domain.streams import EFFECTS_REQUESTS, RECONCILIATION_COMMANDS, RECONCILIATION_RUNS
from app.domain.timers import clear_timer, set_timer, take_fired, timer_ref
from app.domain.windows import calendar_of

TIMER: Final = "schedule"
TARGET: Final = "reconciliation:runs"
MOST_MERGED: Final = 10_000
"""Missed due times that are counted; one every minute for a week."""


def decide(draft: Draft, command: ReconciliationLaneRecord) -> None:
    """What one record of `reconciliation.commands` does; see `app/domain/decision.py` for how it ends."""
    match command:
        case RunRequest():
            _request(draft, command)
        case RunFinished():
            _finish(draft, command)
        case SchedulePut():
            _put(draft, command)
        case ScheduleDelete():
            _delete(draft, command)
        case ScheduleDue():
            _due(draft, command)
        case PlatformConfigure():
            platforms.configure(draft, command)
        case PeriodClose():
            close_period(draft, command)
        case PlatformBalanceOpened():
            open_platform_balance(draft, command)
        case _:
            assert_never(command)


def record_key(command: ReconciliationLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    if isinstance(command, PlatformConfigure | PeriodClose):
        return None
    if isinstance(command, PlatformBalanceOpened):
        return command.account
    return command.run_id if isinstance(command, RunRequest | RunFinished) else command.schedule_id


def prefetch(command: ReconciliationLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    match command:
        case RunRequest() | RunFinished():
            return (run_ref(command.run_id),)
        case SchedulePut() | ScheduleDelete() | ScheduleDue():
            timer = timer_ref(command.schedule_id, TIMER, command.schedule_id)
            return (PLATFORM, schedule_ref(command.schedule_id), timer)
        case PeriodClose():
            return ()
        case PlatformBalanceOpened():
            return rows_of(command)
        case _:
            return (PLATFORM,)


def _request(draft: Draft, command: RunRequest) -> None:
    ref = run_ref(command.run_id)
    if draft.get(ref) is not None:
        raise Refused("run_exists", f"there is a run {command.run_id}")
    run = Run(
        run_id=command.run_id,
        scope=command.scope,
        as_of=command.as_of or draft.now.astimezone(UTC).date(),
        known_at=command.known_at,
        by=command.by,
        schedule_id=command.schedule_id,
        due_at=command.due_at,
        merged=command.merged,
        requested_at=draft.now,
    )
    draft.put(ref, run)
    work = ReportRun(run_id=run.run_id, scope=run.scope, as_of=run.as_of, known_at=run.known_at)
    asked = EffectRequested(id=draft.next_id(), target=TARGET, object=run.run_id, work=work)
    draft.send(EFFECTS_REQUESTS, TARGET, asked)
    _tell(draft, RunAsked, run, seq=1)


def _finish(draft: Draft, command: RunFinished) -> None:
    """The first report counts: an attempt that was made twice may have seen more the second time."""
    run: Run | None = draft.get(run_ref(command.run_id))
    if run is None:
        raise Ignored("no such run")
    if run.status == "done" or (run.status == "failed" and command.outcome == "failed"):
        raise Ignored("it has a report already")
    finished = replace(
        run, status=command.outcome, report=command.report, reason=command.reason, finished_at=draft.now
    )
    draft.put(run_ref(run.run_id), finished)
    event = RunDone if command.outcome == "done" else RunFailed
    _tell(draft, event, finished, seq=2 if run.status == "requested" else 3)


def _tell(draft: Draft, event: type[RunEvent], run: Run, seq: int) -> None:
    told = event(
        id=draft.next_id(),
        seq=seq,
        run_id=run.run_id,
        scope=run.scope,
        as_of=run.as_of,
        by=run.by,
        schedule_id=run.schedule_id,
        occurred_at=draft.now,
        figures=None if run.report is None else figures_of(run.report),
        reason=run.reason,
    )
    draft.send(RECONCILIATION_RUNS, run.run_id, told)


def _put(draft: Draft, command: SchedulePut) -> None:
    found: Schedule | None = draft.get(schedule_ref(command.schedule_id))
    schedule = Schedule(
        schedule_id=command.schedule_id,
        name=command.name,
        scope=command.scope,
        timing=command.timing,
        calendar=command.calendar,
        covers=command.covers,
        enabled=command.enabled,
        last_due_at=None if found is None else found.last_due_at,
        last_run_id=None if found is None else found.last_run_id,
        changed_at=draft.now,
        changed_by=command.by,
    )
    _set_next(draft, schedule, draft.now)


def _delete(draft: Draft, command: ScheduleDelete) -> None:
    if draft.get(schedule_ref(command.schedule_id)) is None:
        raise Refused("schedule_not_found", f"no schedule {command.schedule_id}")
    clear_timer(draft, TIMER, command.schedule_id)
    draft.put(schedule_ref(command.schedule_id), None)


def _due(draft: Draft, command: ScheduleDue) -> None:
    fired = take_fired(draft, command.id)
    if not fired.is_of(TIMER, command.schedule_id):
        raise Ignored("the record is not the timer's own")
    schedule: Schedule | None = draft.get(schedule_ref(command.schedule_id))
    if schedule is None or not schedule.enabled:
        raise Ignored("the schedule is gone or switched off")
    missed = _missed(schedule, command.due_at, draft.now)
    due_at = missed[-1] if missed else command.due_at
    request = _run_of(draft, schedule, command.due_at, due_at, len(missed))
    draft.send(RECONCILIATION_COMMANDS, request.run_id, request)
    _set_next(draft, replace(schedule, last_due_at=due_at, last_run_id=request.run_id), draft.now)


def _missed(schedule: Schedule, due_at: datetime, now: datetime) -> list[datetime]:
    """Due times behind this one that have passed as well: an outage, or a timer that came late."""
    later = due_times(schedule.timing, schedule.effective, due_at)
    return [
        moment for moment, _ in zip(takewhile(lambda at: at <= now, later), range(MOST_MERGED), strict=False)
    ]


def _run_of(draft: Draft, schedule: Schedule, first: datetime, last: datetime, merged: int) -> RunRequest:
    calendar = schedule.effective
    begin, end = days_of(schedule.covers, calendar, first), days_of(schedule.covers, calendar, last)
    days = Days(begin.first, end.last)
    run_id = f"{schedule.schedule_id}@{last.astimezone(UTC):%Y%m%dT%H%MZ}"
    return RunRequest(
        id=draft.next_id(),
        run_id=run_id,
        scope=replace(schedule.scope, first=days.first, last=days.last),
        as_of=last.astimezone(check_time_zone((calendar or SettlementCalendar()).time_zone)).date(),
        by=f"schedule:{schedule.schedule_id}",
        schedule_id=schedule.schedule_id,
        due_at=last,
        merged=merged,
    )


def _set_next(draft: Draft, schedule: Schedule, after: datetime) -> None:
    calendar = schedule.calendar or _source_calendar(draft, schedule)
    next_at = next_due(schedule.timing, calendar, after) if schedule.enabled else None
    draft.put(schedule_ref(schedule.schedule_id), replace(schedule, effective=calendar, next_at=next_at))
    if next_at is None:
        clear_timer(draft, TIMER, schedule.schedule_id)
        return
    record = ScheduleDue(id="-", schedule_id=schedule.schedule_id, due_at=next_at)
    set_timer(draft, TIMER, schedule.schedule_id, next_at, record)


def _source_calendar(draft: Draft, schedule: Schedule) -> SettlementCalendar | None:
    platform: Platform | None = draft.get(PLATFORM)
    source = schedule.scope.source
    configured = platform.sources.get(source) if platform is not None and source is not None else None
    return None if configured is None else calendar_of(platform, configured.psp, source)
