"""Business days, cut-off times and time zones: which day a moment counts for, and when a day is over.

`holidays` is a parameter everywhere: calendars come in as configuration. A day of a time zone begins and ends
at its local midnight, so that days of 23 and 25 hours are days as well.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


@lru_cache(maxsize=64)
def check_time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone") from None


def is_business_day(day: date, holidays: Collection[date] = ()) -> bool:
    return day.weekday() < _SATURDAY and day not in holidays


def business_date(day: date, holidays: Collection[date] = ()) -> date:
    """The day itself, or the next business day after a weekend or holiday."""
    while not is_business_day(day, holidays):
        day += _DAY
    return day


def add_business_days(day: date, days: int, holidays: Collection[date] = ()) -> date:
    """`days` >= 0 business days after the business date of `day`."""
    day = business_date(day, holidays)
    for _ in range(days):
        day = business_date(day + _DAY, holidays)
    return day


def settlement_day(
    moment: datetime, zone: str = "UTC", cut_off: time | None = None, holidays: Collection[date] = ()
) -> date:
    """Settlement day T of a moment: its local business date; from the cut-off on, the next day's."""
    local = moment.astimezone(check_time_zone(zone))
    late = cut_off is not None and local.time() >= cut_off
    return business_date(local.date() + _DAY if late else local.date(), holidays)


def end_of_day(day: date, zone: str = "UTC") -> datetime:
    """The first moment after `day` in `zone`, as UTC."""
    return datetime.combine(day + _DAY, time(), check_time_zone(zone)).astimezone(UTC)


def start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
