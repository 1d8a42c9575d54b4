"""Buckets of an ageing report: business days since the money was expected."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ageing import BUCKETS, bucket_of, business_days_since
from app.domain.calendar import is_business_day

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("as_of", "days", "bucket"),
    [
        (date(2026, 11, 19), -1, "not_due"),
        (FRIDAY, 0, "0-1"),
        (date(2026, 11, 22), 0, "0-1"),
        (date(2026, 11, 23), 1, "0-1"),
        (date(2026, 11, 24), 2, "2-3"),
        (date(2026, 11, 26), 4, "4-7"),
        (date(2026, 12, 1), 7, "4-7"),
        (date(2026, 12, 2), 8, "8-30"),
        (date(2027, 1, 1), 30, "8-30"),
        (date(2027, 1, 4), 31, "31-90"),
        (date(2027, 3, 26), 90, "31-90"),
        (date(2027, 3, 29), 91, "over_90"),
    ],
)
def test_a_bucket_begins_and_ends_on_its_day(as_of: date, days: int, bucket: str) -> None:
    assert business_days_since(FRIDAY, as_of) == days
    assert bucket_of(FRIDAY, as_of) == bucket


def test_holidays_do_not_count() -> None:
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    assert business_days_since(FRIDAY, tuesday, holidays=[monday, date(2026, 11, 22)]) == 1


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(DAYS, st.integers(0, 200), st.sets(DAYS, max_size=5))
def test_it_is_what_counting_day_by_day_gives(expected_on: date, later: int, holidays: set[date]) -> None:
    as_of = expected_on + timedelta(days=later)
    counted = sum(is_business_day(expected_on + timedelta(days=n), holidays) for n in range(1, later + 1))
    assert business_days_since(expected_on, as_of, holidays) == counted
    assert bucket_of(expected_on, as_of, holidays) in BUCKETS
