"""Which day a capture counts for, and when its settlement is late or missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from app.domain.calendar import add_business_days, check_time_zone, end_of_day, settlement_day
from app.domain.configuration import PspConfiguration, SettlementCalendar, SourceConfiguration
from app.domain.windows import expected_settle_on, last_day
from tests.support.matching_world import configured, expectation, line

BERLIN = "Europe/Berlin"
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-20T16:59:59+01:00", date(2026, 11, 20)),
        ("2026-11-20T17:00:00+01:00", date(2026, 11, 23)),  # Friday after the cut-off: Monday
        ("2026-11-19T17:00:00+01:00", date(2026, 11, 20)),
        ("2026-11-21T10:00:00+01:00", date(2026, 11, 23)),  # Saturday
        ("2026-11-19T23:30:00Z", date(2026, 11, 20)),  # past midnight in Berlin
        # the days of 23 hours (29 March) and of 25 (25 October) are Sundays
        ("2026-03-30T14:59:59Z", date(2026, 3, 30)),
        ("2026-03-30T15:00:00Z", date(2026, 3, 31)),
        ("2026-10-26T15:59:59Z", date(2026, 10, 26)),
        ("2026-10-26T16:00:00Z", date(2026, 10, 27)),
        ("2026-12-24T17:00:00+01:00", date(2026, 12, 28)),  # Christmas is a holiday here
    ],
)
def test_settlement_day(moment: str, day: date) -> None:
    holidays = (date(2026, 12, 25),)
    assert settlement_day(datetime.fromisoformat(moment), BERLIN, time(17), holidays) == day


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 23, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_its_own_midnight(day: date, end: datetime) -> None:
    assert end_of_day(day, BERLIN) == end


def test_business_days_skip_weekends_and_holidays() -> None:
    assert add_business_days(date(2026, 12, 23), 2, (date(2026, 12, 25),)) == date(2026, 12, 28)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "UTC\x00"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        check_time_zone(name)


@pytest.mark.parametrize(("days", "expected", "last"), [(1, 23, 24), (2, 24, 25), (5, 27, 30)])
def test_cards_wallets_and_debits(days: int, expected: int, last: int) -> None:
    calendar = SettlementCalendar(settlement_days=days)
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert expected_settle_on(calendar, friday) == date(2026, 11, expected)
    assert last_day(calendar, friday) == date(2026, 11, last)


CALENDAR = SettlementCalendar(time_zone=BERLIN, cut_off=time(17), settlement_days=1)
AT_CUT_OFF = datetime(2026, 11, 19, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("captured_at", "booked_on", "late"),
    [
        (AT_CUT_OFF - SECOND, date(2026, 11, 20), False),
        (AT_CUT_OFF - SECOND, date(2026, 11, 21), True),
        (AT_CUT_OFF, date(2026, 11, 23), False),
        (AT_CUT_OFF, date(2026, 11, 24), True),
    ],
)
def test_late_goes_by_the_calendar_of_the_line_s_source(
    captured_at: datetime, booked_on: date, late: bool
) -> None:
    world = configured(source=SourceConfiguration(psp="stripe", calendar=CALENDAR))
    world.send_all([expectation(occurred_at=captured_at), line(booked_on=booked_on)])
    assert world.categories() == (["LATE"] if late else [])


def test_late_says_by_when_it_was_expected_and_does_not_count_as_money_at_stake() -> None:
    world = configured(PspConfiguration(settlement_window_seconds=10))
    world.send_all([line(gross=20_000_000, booked_on=date(2026, 12, 1)), expectation(20_000_000)])
    (late,) = world.open()
    assert (late.category, late.severity) == ("LATE", "LOW")
    assert late.explanation["differences"] == {
        "booked_on": {"expected": "2026-11-24", "actual": "2026-12-01"}
    }


def test_missing_waits_for_the_slowest_source_of_the_psp() -> None:
    slow: dict[str, Any] = {"settlement_days": 5, "time_zone": BERLIN}
    world = configured(source=SourceConfiguration(psp="stripe", calendar=SettlementCalendar(**slow)))
    world.send(expectation())
    assert world.timers() == {"settlement": datetime(2026, 11, 30, 23, tzinfo=UTC)}
