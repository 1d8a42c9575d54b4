"""Business days. The thin calendar: Monday to Friday, days end at midnight UTC, no cut-off time.

`holidays` is a parameter everywhere, so that calendars of their own can come in as configuration.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


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


def end_of_day(day: date) -> datetime:
    """The first moment after `day`, UTC."""
    return datetime.combine(day + _DAY, time(), UTC)


def start_of_day(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
