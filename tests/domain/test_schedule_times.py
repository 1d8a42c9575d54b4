"""Due times by the wall clock, over days of 23 and 25 hours, weekends, holidays; days that are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import check_time_zone
from app.domain.configuration import SettlementCalendar
from app.domain.schedule_times import Covers, Timing, days_of, due_times, next_due

BERLIN = SettlementCalendar(time_zone="Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


def times(timing: Timing, calendar: SettlementCalendar | None, after: datetime, count: int) -> list[str]:
    return [due.strftime("%m-%d %H:%M") for due in islice(due_times(timing, calendar, after), count)]


def utc(month: int, day: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_a_time_that_the_clock_leaves_out_is_due_that_much_later() -> None:
    """On 29 March 2026 Berlin's clocks go from 02:00 to 03:00."""
    assert times(Timing(at=time(2, 30)), BERLIN, utc(3, 27, 12), 3) == [
        "03-28 01:30",
        "03-29 01:30",
        "03-30 00:30",
    ]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    """On 25 October 2026 they go from 03:00 back to 02:00."""
    assert times(Timing(at=time(2, 30)), BERLIN, utc(10, 23, 12), 3) == [
        "10-24 00:30",
        "10-25 00:30",
        "10-26 01:30",
    ]
    assert next_due(Timing(at=time(2, 30)), BERLIN, utc(10, 25, 0, 30)) == utc(10, 26, 1, 30)
    assert next_due(Timing(at=time(2, 30)), BERLIN, utc(10, 25, 1)) == utc(10, 26, 1, 30)


def test_every_hour_is_due_once_when_the_clock_jumps() -> None:
    hourly = Timing(kind="cron", cron="0 * * * *")
    assert times(hourly, BERLIN, utc(3, 28, 23, 30), 3) == ["03-29 00:00", "03-29 01:00", "03-29 02:00"]
    assert times(hourly, BERLIN, utc(10, 24, 23, 30), 2) == ["10-25 00:00", "10-25 02:00"]


def test_weekdays_business_days_and_holidays() -> None:
    weekly = Timing(kind="weekly", weekdays=(0, 4), at=time(7))
    assert times(weekly, None, utc(11, 20, 8), 3) == ["11-23 07:00", "11-27 07:00", "11-30 07:00"]
    closed = SettlementCalendar(holidays=(date(2026, 12, 25), date(2026, 12, 28)))
    daily = Timing(at=time(7), business_days=True)
    assert times(daily, closed, utc(12, 24, 8), 2) == ["12-29 07:00", "12-30 07:00"]


def test_cron_names_days_that_there_are() -> None:
    assert times(Timing(kind="cron", cron="30 5 29 2 *"), None, utc(11, 1), 1) == ["02-29 05:30"]
    assert next_due(Timing(kind="cron", cron="0 0 31 11 *"), None, utc(11, 1)) is None
    for wrong in ("", "* * * *", "61 * * * *", "@daily", "0 0 * * * *"):
        with pytest.raises(ValueError, match="cron"):
            Timing(kind="cron", cron=wrong)
    with pytest.raises(ValueError, match="cron"):
        Timing(kind="daily", cron="0 0 * * *")


@pytest.mark.parametrize(
    ("covers", "due", "first", "last"),
    [
        ("day", utc(11, 24, 6), date(2026, 11, 23), date(2026, 11, 23)),
        ("day", utc(11, 23, 6), date(2026, 11, 20), date(2026, 11, 22)),  # a Monday: with the weekend
        ("week", utc(11, 23, 6), date(2026, 11, 16), date(2026, 11, 22)),
        ("month", utc(12, 1, 6), date(2026, 11, 1), date(2026, 11, 30)),
        ("month", utc(12, 15, 6), date(2026, 11, 1), date(2026, 11, 30)),
        ("month", utc(1, 1, 6, year=2027), date(2026, 12, 1), date(2026, 12, 31)),
        ("all", utc(12, 1, 6), None, None),
    ],
)
def test_a_run_covers_days_that_are_over(covers: Covers, due: datetime, first: date, last: date) -> None:
    assert days_of(covers, BERLIN, due) == (first, last)


def test_a_day_is_over_at_the_cut_off() -> None:
    late = SettlementCalendar(time_zone="Europe/Berlin", cut_off=time(18))
    assert days_of("day", late, utc(11, 24, 16, 59)).last == date(2026, 11, 23)
    assert days_of("day", late, utc(11, 24, 17)).last == date(2026, 11, 24)


@given(
    st.sampled_from(ZONES),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(0, 5_000_000).map(lambda minutes: utc(1, 1) + timedelta(minutes=minutes)),
)
def test_a_daily_schedule_has_one_run_per_local_day(zone: str, at: time, after: datetime) -> None:
    found = list(islice(due_times(Timing(at=at), SettlementCalendar(time_zone=zone), after), 20))
    assert all(one < other for one, other in pairwise([after, *found]))
    assert all(timedelta(hours=22) <= other - one <= timedelta(hours=26) for one, other in pairwise(found))
    days = [due.astimezone(check_time_zone(zone)).date() for due in found]
    assert len(set(days)) == len(days)
