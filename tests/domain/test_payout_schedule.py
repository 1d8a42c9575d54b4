"""When periods of payouts end: UTC days, each named by its end, so that a period has one payout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.configuration import PayoutSchedule
from app.domain.payout_schedule import period_after
from tests.support.properties import QUICK

FRIDAY = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "name"),
    [
        (PayoutSchedule(interval="daily"), FRIDAY, "2026-11-21"),
        (PayoutSchedule(interval="daily"), datetime(2026, 11, 20, tzinfo=UTC), "2026-11-21"),
        (PayoutSchedule(interval="weekly"), FRIDAY, "2026-11-23"),
        (PayoutSchedule(interval="weekly", weekday=4), FRIDAY, "2026-11-27"),
        (PayoutSchedule(interval="monthly"), FRIDAY, "2026-12-01"),
        (PayoutSchedule(interval="monthly", day=28), datetime(2027, 2, 28, tzinfo=UTC), "2027-03-28"),
        (PayoutSchedule(every_seconds=60), datetime.fromtimestamp(120, UTC), "60s-3"),
    ],
)
def test_periods_end_at_midnight_utc(schedule: PayoutSchedule, moment: datetime, name: str) -> None:
    period = period_after(schedule, moment)
    assert period is not None
    assert period.name == name


def test_by_hand_there_is_none() -> None:
    assert period_after(PayoutSchedule(), FRIDAY) is None


@QUICK
@given(
    st.builds(
        PayoutSchedule,
        interval=st.sampled_from(("daily", "weekly", "monthly")),
        weekday=st.integers(0, 6),
        day=st.integers(1, 28),
    ),
    st.integers(1_577_836_800, 2_208_988_800),
    st.integers(-12, 14),
)
def test_a_period_is_the_same_at_every_moment_of_it(
    schedule: PayoutSchedule, seconds: int, hours: int
) -> None:
    """Also where the moment is given in another zone; the next one begins where it ends."""
    at = datetime.fromtimestamp(seconds, UTC)
    period = period_after(schedule, at)
    assert period is not None
    assert at < period.ends_at
    assert period_after(schedule, at.astimezone(timezone(timedelta(hours=hours)))) == period
    assert period_after(schedule, period.ends_at - timedelta(microseconds=1)) == period
    following = period_after(schedule, period.ends_at)
    assert following is not None
    assert following.ends_at > period.ends_at
