"""What is sent to and answered by `/v1/reconciliations` and `/v1/schedules`."""

from __future__ import annotations

from datetime import date, datetime, time
from itertools import islice
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from app.domain.calendar import check_time_zone
from app.domain.configuration import SettlementCalendar
from app.domain.fields import Moment
from app.domain.run_scope import RunReport, RunScope
from app.domain.runs import Run as DomainRun
from app.domain.runs import RunStatus
from app.domain.runs import Schedule as DomainSchedule
from app.domain.schedule_times import Covers, Timing, due_times
from web.params import Text
from web.payment_bodies import RequestBody
from web.schemas import Answer

NEXT_TIMES: Final = 5
WallTime = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9](?![\\s\\S])", examples=["06:00"])]
"""Hours and minutes on the clock of the schedule's zone."""


class Scope(RequestBody, frozen=True, kw_only=True):
    """What to look at; null: any. Days are those that the facts name themselves, both ends included."""

    source: Text | None = None
    first: date | None = msgspec.field(default=None, name="from")
    last: date | None = msgspec.field(default=None, name="to")
    merchant_id: Text | None = None
    payment_id: Text | None = None
    invoice_id: Text | None = None


class ScheduleScope(RequestBody, frozen=True, kw_only=True):
    """What a schedule's runs look at; which days, its `covers` says."""

    source: Text | None = None
    merchant_id: Text | None = None
    payment_id: Text | None = None
    invoice_id: Text | None = None


class NewRun(Scope, frozen=True, kw_only=True):
    """`as_of`: facts of later days are left out, null: today in UTC. `known_at`: so is what was not known
    then, as far as times are kept (of mismatches); null: now."""

    as_of: date | None = None
    known_at: Moment | None = None


class TimingBody(RequestBody, frozen=True, kw_only=True):
    """`daily` and `weekly` (Monday is 0) at the wall-clock time `at`; `cron`: five fields.

    `business_days`: not on Saturdays, Sundays and the calendar's holidays.
    """

    kind: Annotated[str, Meta(pattern="^(daily|weekly|cron)$")] = "daily"
    at: WallTime = "06:00"
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=0, le=6)], ...], Meta(min_length=1, max_length=7)] = (0,)
    cron: Annotated[str, Meta(max_length=100)] | None = None
    business_days: bool = False


class CalendarBody(RequestBody, frozen=True, kw_only=True):
    """`time_zone`: an IANA name; from `cut_off` on a day counts for the next one."""

    time_zone: Text = "UTC"
    cut_off: WallTime | None = None
    holidays: Annotated[tuple[date, ...], Meta(max_length=1000)] = ()


class ScheduleBody(RequestBody, frozen=True, kw_only=True):
    """A whole schedule. `calendar` null: the source's, or its PSP's. `covers`: the days since the business
    day before, seven days, the calendar month before, or all."""

    name: Annotated[str, Meta(max_length=200)] = ""
    scope: ScheduleScope = ScheduleScope()
    timing: TimingBody = TimingBody()
    calendar: CalendarBody | None = None
    covers: Covers = "day"
    enabled: bool = True


class Run(Answer, frozen=True, kw_only=True):
    """`merged`: due times of its schedule that were missed before this one, whose days it covers as well.

    `report`: null until it is done, and in lists.
    """

    id: str
    status: RunStatus
    scope: Scope
    as_of: date
    known_at: Moment | None
    by: str
    schedule_id: str | None
    due_at: Moment | None
    merged: int
    requested_at: Moment
    finished_at: Moment | None
    reason: str | None
    report: RunReport | None


class RunPage(Answer, frozen=True, kw_only=True):
    items: list[Run]
    has_more: bool
    next_cursor: str | None


class Schedule(Answer, frozen=True, kw_only=True):
    """`next_times`: the next five, in UTC; empty where it is switched off or never due again."""

    id: str
    name: str
    scope: Scope
    timing: TimingBody
    calendar: CalendarBody | None
    effective_calendar: CalendarBody | None
    covers: Covers
    enabled: bool
    next_times: list[Moment]
    last_due_at: Moment | None
    last_run_id: str | None
    changed_at: Moment
    changed_by: str


class ScheduleList(Answer, frozen=True, kw_only=True):
    items: list[Schedule]


def run_of(run: DomainRun) -> Run:
    return Run(
        id=run.run_id,
        status=run.status,
        scope=_scope(run.scope),
        as_of=run.as_of,
        known_at=run.known_at,
        by=run.by,
        schedule_id=run.schedule_id,
        due_at=run.due_at,
        merged=run.merged,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
        reason=run.reason,
        report=run.report,
    )


def schedule_of(schedule: DomainSchedule, now: datetime) -> Schedule:
    return Schedule(
        id=schedule.schedule_id,
        name=schedule.name,
        scope=_scope(schedule.scope),
        timing=_timing(schedule.timing),
        calendar=_calendar(schedule.calendar),
        effective_calendar=_calendar(schedule.effective),
        covers=schedule.covers,
        enabled=schedule.enabled,
        next_times=next_times(schedule, now),
        last_due_at=schedule.last_due_at,
        last_run_id=schedule.last_run_id,
        changed_at=schedule.changed_at,
        changed_by=schedule.changed_by,
    )


def next_times(schedule: DomainSchedule, now: datetime) -> list[datetime]:
    """The pending one first, although it may be late."""
    if schedule.next_at is None:
        return []
    later = due_times(schedule.timing, schedule.effective, max(now, schedule.next_at))
    return [schedule.next_at, *islice(later, NEXT_TIMES - 1)]


def scope_of(body: Scope | ScheduleScope) -> RunScope:
    """Raises ValueError where its days are the wrong way round."""
    return RunScope(**{name: getattr(body, name) for name in body.__struct_fields__ if name in SCOPED})


def timing_of(body: TimingBody) -> Timing:
    """Raises ValueError, in words."""
    fields = msgspec.structs.asdict(body) | {"at": time.fromisoformat(body.at)}
    return msgspec.convert(fields, Timing)


def calendar_of(body: CalendarBody | None) -> SettlementCalendar | None:
    """Raises ValueError for a zone that there is none of."""
    if body is None:
        return None
    check_time_zone(body.time_zone)
    cut_off = None if body.cut_off is None else time.fromisoformat(body.cut_off)
    return SettlementCalendar(time_zone=body.time_zone, cut_off=cut_off, holidays=body.holidays)


SCOPED: Final = frozenset(RunScope.__struct_fields__)


def _scope(scope: RunScope) -> Scope:
    return Scope(**{name: getattr(scope, name) for name in scope.__struct_fields__})


def _timing(timing: Timing) -> TimingBody:
    return TimingBody(**msgspec.structs.asdict(timing) | {"at": f"{timing.at:%H:%M}"})


def _calendar(calendar: SettlementCalendar | None) -> CalendarBody | None:
    if calendar is None:
        return None
    cut_off = None if calendar.cut_off is None else f"{calendar.cut_off:%H:%M}"
    return CalendarBody(time_zone=calendar.time_zone, cut_off=cut_off, holidays=calendar.holidays)
