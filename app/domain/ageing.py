"""How old an open mismatch is: business days since its money was expected, in the buckets of a report."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from app.domain.calendar import is_business_day

BUCKETS: Final = ("not_due", "0-1", "2-3", "4-7", "8-30", "31-90", "over_90")
_UP_TO: Final = ((1, "0-1"), (3, "2-3"), (7, "4-7"), (30, "8-30"), (90, "31-90"))
_WEEK: Final = 7


def business_days_since(expected_on: date, as_of: date, holidays: Collection[date] = ()) -> int:
    """Business days after `expected_on` up to `as_of`; negative where it is still to come."""
    if as_of < expected_on:
        return -1
    weeks, rest = divmod((as_of - expected_on).days, _WEEK)
    days = weeks * 5 + sum(is_business_day(as_of - timedelta(days=back)) for back in range(rest))
    off = {day for day in holidays if expected_on < day <= as_of and is_business_day(day)}
    return days - len(off)


def bucket_of(expected_on: date, as_of: date, holidays: Collection[date] = ()) -> str:
    """One of `BUCKETS`."""
    days = business_days_since(expected_on, as_of, holidays)
    if days < 0:
        return "not_due"
    return next((name for most, name in _UP_TO if days <= most), "over_90")
