"""When a merchant's payouts are due: whole days, weeks or months in UTC. A period is named by its end."""

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from app.domain.configuration import PayoutSchedule


class Period(NamedTuple):
    name: str
    """The date of its end, or its end's number where periods are of seconds."""
    ends_at: datetime


def period_after(schedule: PayoutSchedule, moment: datetime) -> Period | None:
    """The period that ends first after `moment`; None where payouts are made by hand."""
    if schedule.every_seconds is not None:
        number = int(moment.timestamp()) // schedule.every_seconds + 1
        ends_at = datetime.fromtimestamp(number * schedule.every_seconds, UTC)
        return Period(f"{schedule.every_seconds}s-{number}", ends_at)
    if schedule.interval == "manual":
        return None
    day = moment.astimezone(UTC).date() + timedelta(days=1)
    while not _is_due(schedule, day.weekday(), day.day):
        day += timedelta(days=1)
    return Period(day.isoformat(), datetime.combine(day, time(), UTC))


def _is_due(schedule: PayoutSchedule, weekday: int, day: int) -> bool:
    if schedule.interval == "weekly":
        return weekday == schedule.weekday
    return schedule.interval == "daily" or day == schedule.day
