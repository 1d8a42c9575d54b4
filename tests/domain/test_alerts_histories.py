"""Properties over any course of mismatches: nobody misses an alert, nobody drowns in them."""

from __future__ import annotations

from collections import Counter
from math import log10

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.alert import Alert, AlertMember
from app.domain.alert_delivery import AlertMessage
from app.domain.alert_records import MismatchNoticed
from app.domain.alerting import group_key, own_key
from tests.support.alerts_world import CHANNELS, AlertsWorld, noticed

DAY = 24 * 3600
GROUP_ABOVE = 4
STEPS = st.lists(
    st.tuples(
        st.integers(0, 11),  # which mismatch
        st.sampled_from(["open", "open", "open", "resolve", "worse", "other merchant"]),
        st.sampled_from([0, 1, 30, 90, 1_000, 5_000, DAY]),  # seconds until then
    ),
    max_size=60,
)


class Course:
    """Mismatches as their lanes would tell of them; knows which are open, and as what."""

    def __init__(self) -> None:
        configured = {"channels": CHANNELS, "group_above": GROUP_ABOVE}
        self.world = AlertsWorld(configured)
        self.open: dict[str, MismatchNoticed] = {}

    def step(self, number: int, act: str, seconds: int) -> None:
        self.world.pass_time(seconds)
        name = f"mm_{number}"
        there = self.open.get(name)
        if act == "resolve" and there is not None:
            del self.open[name]
            self.tell(noticed(name, is_open=False, severity=there.severity, merchant_id=there.merchant_id))
        elif act == "open" and there is None:
            severity = ("CRITICAL", "HIGH", "LOW")[number % 3]
            self.tell(self.keep(noticed(name, severity=severity, merchant_id=f"m-{number % 2}")))
        elif act == "worse" and there is not None:
            self.tell(
                self.keep(noticed(name, is_new=False, severity="CRITICAL", merchant_id=there.merchant_id))
            )
        elif act == "other merchant" and there is not None:
            self.tell(self.keep(noticed(name, is_new=False, severity=there.severity, merchant_id="m-9")))

    def keep(self, record: MismatchNoticed) -> MismatchNoticed:
        self.open[record.mismatch_id] = record
        return record

    def tell(self, record: MismatchNoticed) -> None:
        before = len(self.world.deliveries)
        self.world.send(record)
        if record.is_open and record.severity != "LOW":
            self.is_known(record, before)

    def is_known(self, record: MismatchNoticed, before: int) -> None:
        """People have been told of its alert, or of its group, and were not told since that it was over."""
        told = [self.last_of(key.alert_id()) for key in (own_key(record), group_key(record))]
        assert any(message is not None and message.what != "closed" for message in told), record

    def last_of(self, alert_id: str) -> AlertMessage | None:
        return next((one for one in reversed(self.world.messages()) if one.alert_id == alert_id), None)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_whoever_should_know_is_told_and_counts_are_exact(steps: list[tuple[int, str, int]]) -> None:
    course = Course()
    for number, act, seconds in steps:
        course.step(number, act, seconds)
    world = course.world
    members = {ref.key[2]: row.alerts for ref, row in world.rows.items() if isinstance(row, AlertMember)}
    assert set(members) <= set(course.open)
    counted = Counter(alert_id for alerts in members.values() for alert_id in alerts)
    for alert in world.alerts():
        assert alert.open == counted[alert.id], alert
        assert alert.opened >= alert.open


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_nobody_is_told_more_than_is_allowed(steps: list[tuple[int, str, int]]) -> None:
    """Per round: once when it begins, once per tenfold, once a day, once when it is over."""
    course = Course()
    began = course.world.now
    for step in steps:
        course.step(*step)
    days = (course.world.now - began).total_seconds() / DAY
    for alert in course.world.alerts():
        told = [message for message in course.world.messages() if message.alert_id == alert.id]
        whats = Counter(message.what for message in told)
        assert 0 <= whats["opened"] - whats["closed"] <= 1
        assert whats["reminder"] <= days
        assert whats["grown"] <= log10(max(60, 1)) * max(whats["opened"], 1)
        assert [message.number for message in told] == list(range(1, len(told) + 1))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_when_all_is_resolved_all_is_closed(steps: list[tuple[int, str, int]]) -> None:
    course = Course()
    for step in steps:
        course.step(*step)
    for name in list(course.open):
        course.step(int(name.removeprefix("mm_")), "resolve", 0)
    course.world.pass_time(2 * DAY)
    assert course.world.timers() == []
    for alert in course.world.alerts():
        assert is_over(alert)
        last = course.last_of(alert.id)
        assert last is not None
        assert last.what == "closed"


def is_over(alert: Alert) -> bool:
    return alert.closed and alert.open == 0
