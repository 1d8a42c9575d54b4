"""When a schedule's runs are due, and which days each of them covers. Pure: the moment is a parameter.

Times are wall-clock times of the schedule's zone. One that a clock change leaves out is due as much later as
the clock jumped; one that comes twice is due the first time. So every day has its run, also days of 23 and 25
hours, and none has two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from croniter import croniter
from msgspec import Meta

from app.domain.calendar import check_time_zone, is_business_day
from app.domain.configuration import SettlementCalendar

LATEST: Final = timedelta(days=5 * 366)
"""A due time further away than that is none: 29 February comes, the 31st of November does not."""
_DAY: Final = timedelta(days=1)
_NONE: Final = SettlementCalendar()


class Timing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`daily` and `weekly`: at `at`; `cron`: by the five fields of `cron` (minute hour day month weekday)."""

    kind: Literal["daily", "weekly", "cron"] = "daily"
    at: time = time(6)
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=0, le=6)], ...], Meta(min_length=1, max_length=7)] = (0,)
    """`weekly`: Monday is 0."""
    cron: Annotated[str, Meta(max_length=100)] | None = None
    business_days: bool = False
    """Leave out days that are none in the calendar: Saturday, Sunday, its holidays."""

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None:
            raise ValueError("at: a wall-clock time has no zone; the schedule's calendar has")
        if (self.kind == "cron") != (self.cron is not None):
            raise ValueError("cron: is for kind cron, which needs it")
        if self.cron is not None:
            check_cron(self.cron)


Covers = Literal["day", "week", "month", "all"]
"""Days that are over when a run is due. `day`: those since the business day before, a weekend with it;
`week`: seven; `month`: the calendar month before; `all`: no limit."""


class Days(NamedTuple):
    """Both ends included; None: no limit."""

    first: date | None
    last: date | None


def check_cron(expression: str) -> None:
    """Raises ValueError where it is none of five fields, or names no day that there is."""
    if len(expression.split()) != 5 or not croniter.is_valid(expression):
        raise ValueError(f"{expression!r} is no cron expression of five fields")


def due_times(timing: Timing, calendar: SettlementCalendar | None, after: datetime) -> Iterator[datetime]:
    """Every due time later than `after`, in UTC, each once; ends where there are none in five years."""
    calendar = calendar or _NONE
    zone = check_time_zone(calendar.time_zone)
    local = after.astimezone(zone).replace(tzinfo=None) - _DAY  # before any change of the clock
    last = after
    for wall in _walls(timing, local, local + LATEST):
        if timing.business_days and not is_business_day(wall.date(), calendar.holidays):
            continue
        due = wall.replace(tzinfo=zone).astimezone(UTC)
        if due > last:
            last = due
            yield due


def next_due(timing: Timing, calendar: SettlementCalendar | None, after: datetime) -> datetime | None:
    return next(due_times(timing, calendar, after), None)


def days_of(covers: Covers, calendar: SettlementCalendar | None, due: datetime) -> Days:
    """The days a run covers that is due at this moment. A day is over at the calendar's cut-off."""
    if covers == "all":
        return Days(None, None)
    calendar = calendar or _NONE
    last = _last_that_is_over(calendar, due)
    if covers == "week":
        return Days(last - 6 * _DAY, last)
    if covers == "month":
        end = last.replace(day=1) - _DAY if (last + _DAY).day != 1 else last
        return Days(end.replace(day=1), end)
    first = last
    while not is_business_day(first, calendar.holidays):
        first -= _DAY
    return Days(first, last)


def _last_that_is_over(calendar: SettlementCalendar, due: datetime) -> date:
    """The day before the one that is running: from the cut-off on the running day is tomorrow's."""
    local = due.astimezone(check_time_zone(calendar.time_zone))
    late = calendar.cut_off is not None and local.time() >= calendar.cut_off
    return local.date() if late else local.date() - _DAY


def _walls(timing: Timing, after: datetime, until: datetime) -> Iterator[datetime]:
    """Wall-clock times without a zone, in order."""
    if timing.cron is not None:
        yield from _cron_walls(timing.cron, after, until)
        return
    day = after.date()
    while (wall := datetime.combine(day, timing.at)) < until:
        if wall > after and (timing.kind == "daily" or day.weekday() in timing.weekdays):
            yield wall
        day += _DAY


def _cron_walls(expression: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """By croniter, on times without a zone: its own handling of zones is left out."""
    found = croniter(expression, after, ret_type=datetime, max_years_between_matches=8)
    try:
        while (wall := found.get_next()) < until:
            yield wall
    except ValueError:  # CroniterBadDateError: no such day
        return
