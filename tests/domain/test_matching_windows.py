"""MISSING_SETTLEMENT and MISSING_PAYMENT: when they are due, what opens and what takes them back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.calendar import add_business_days, business_date
from app.domain.commands import ParkedExpire
from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.settlement import PaymentDue, SettlementDue
from app.domain.timers import epoch_ms, timer_id
from tests.support.matching_world import NOON, configured, expectation, line

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("occurred", "due"),
    [
        ("2026-11-16T09:00:00", "2026-11-20"),  # Monday: T+2 is Wednesday, grace Thursday, until its end
        ("2026-11-17T23:59:59", "2026-11-21"),  # Tuesday: Friday's end
        ("2026-11-18T00:00:00", "2026-11-24"),  # Wednesday: Friday, grace Monday
        ("2026-11-20T09:00:00", "2026-11-26"),  # Friday: Tuesday, grace Wednesday
        ("2026-11-21T09:00:00", "2026-11-27"),  # Saturday counts as Monday
        ("2026-11-22T09:00:00", "2026-11-27"),  # so does Sunday
    ],
)
def test_cards_are_due_two_business_days_later_with_one_of_grace(occurred: str, due: str) -> None:
    world = configured(start=datetime(2026, 11, 1, tzinfo=UTC))
    world.send(expectation(occurred_at=datetime.fromisoformat(occurred).replace(tzinfo=UTC)))
    assert world.timers() == {"settlement": datetime.fromisoformat(due).replace(tzinfo=UTC)}


def test_holidays_are_no_business_days() -> None:
    christmas = {date(2026, 12, 24), date(2026, 12, 25)}
    assert business_date(date(2026, 12, 24), christmas) == date(2026, 12, 28)
    assert add_business_days(date(2026, 12, 23), 2, christmas) == date(2026, 12, 29)


def test_a_window_in_seconds_runs_from_the_payment_but_not_before_the_minimum_wait() -> None:
    psp = PspConfiguration(settlement_window_seconds=7200)
    world = configured(psp)
    world.send(expectation(occurred_at=NOON - HOUR))
    assert world.timers() == {"settlement": NOON + HOUR}
    patient = configured(psp, SourceConfiguration(psp="stripe", min_wait_seconds=36_000))
    patient.send(expectation(occurred_at=NOON - HOUR))
    assert patient.timers() == {"settlement": NOON + 10 * HOUR}


def test_the_minimum_wait_of_another_psps_source_does_not_count() -> None:
    world = configured(
        PspConfiguration(settlement_window_seconds=0), SourceConfiguration(psp="adyen", min_wait_seconds=60)
    )
    world.send(expectation(occurred_at=NOON))
    assert world.timers() == {"settlement": NOON}


def test_a_backfill_of_old_payments_opens_nothing_before_the_minimum_wait() -> None:
    world = configured(source=SourceConfiguration(psp="stripe", min_wait_seconds=3600))
    world.send(expectation(occurred_at=datetime(2025, 1, 1, tzinfo=UTC)))
    assert world.timers() == {"settlement": NOON + HOUR}


@pytest.mark.parametrize(
    ("source", "wait"),
    [
        (SourceConfiguration(psp="stripe"), timedelta(days=1)),
        (SourceConfiguration(psp="stripe", payment_window_seconds=30), timedelta(seconds=30)),
        (SourceConfiguration(psp="stripe", payment_window_seconds=0), timedelta()),
        (
            SourceConfiguration(psp="stripe", payment_window_seconds=30, min_wait_seconds=90),
            timedelta(seconds=90),
        ),
    ],
)
def test_a_line_waits_for_its_payment_from_its_arrival(source: SourceConfiguration, wait: timedelta) -> None:
    world = configured(source=source)
    world.send(line(booked_on=date(2020, 1, 1)))
    assert world.timers() == {"payment": NOON + wait}


def test_a_line_of_an_unknown_source_waits_one_day() -> None:
    world = configured()
    world.send(line(source="unheard-of"))
    assert world.timers() == {"payment": NOON + timedelta(days=1)}


def test_missing_settlement_opens_when_its_window_closes_and_a_late_line_takes_it_back() -> None:
    world = configured()
    world.send(expectation())
    assert world.fire_timers(NOON + 5 * HOUR) == 0
    assert world.fire_timers() == 1
    (missing,) = world.open()
    assert (missing.category, missing.expected_amount, missing.actual_amount, missing.payment_id) == (
        "MISSING_SETTLEMENT",
        10_000,
        None,
        "pay-1",
    )
    assert missing.detected_at == world.now
    world.send(line())
    assert (world.categories(), world.timers()) == ([], {})
    assert [m.status for m in world.mismatches()] == ["auto_resolved"]


def test_missing_payment_opens_when_its_window_closes_and_a_late_payment_takes_it_back() -> None:
    world = configured()
    world.send(line(gross=900))
    assert world.fire_timers() == 1
    (missing,) = world.open()
    assert (missing.category, missing.expected_amount, missing.actual_amount) == (
        "MISSING_PAYMENT",
        None,
        900,
    )
    assert (missing.merchant_id, missing.batch_id) == (None, "B1")
    world.send(expectation(1000))
    assert world.categories() == ["PARTIAL_SETTLEMENT"]


def test_several_lines_without_a_payment_are_one_missing_payment() -> None:
    world = configured()
    world.send_all([line(gross=900), line("L2", gross=50)])
    assert world.fire_timers() == 1
    (missing,) = world.open()
    assert missing.actual_amount == 950
    world.send(line("L3", gross=50, batch_id="B2"))
    (missing,) = world.open()
    assert (missing.actual_amount, missing.batch_id, world.timers()) == (1000, None, {})


def test_the_settlement_window_stays_open_until_all_of_it_came() -> None:
    world = configured()
    world.send_all([expectation(1000, fee=30), line(gross=400, fee=10)])
    assert set(world.timers()) == {"settlement"}
    assert world.fire_timers() == 1
    assert world.categories() == ["AMOUNT_UNDER", "FEE_VARIANCE"], "no more fee is to come either"
    world.send(line("L2", gross=600, fee=20))
    assert world.categories() == []


def test_a_complete_pair_leaves_no_timer() -> None:
    for facts in ([expectation(), line()], [line(), expectation()]):
        world = configured()
        world.send_all(facts)
        assert world.timers() == {}


def test_the_timers_of_a_payment_and_its_refund_under_one_identity_are_two() -> None:
    world = configured(PspConfiguration(settlement_window_seconds=60))
    world.send_all([expectation(), expectation(-500, id="e2", kind="refund", object_id="re-1")])
    assert world.fire_timers() == 2
    assert world.categories() == ["MISSING_SETTLEMENT", "MISSING_SETTLEMENT"]
    assert sorted(m.expected_amount or 0 for m in world.open()) == [-500, 10_000]


def settlement_fired(
    due: datetime, kind: str = "settlement", subject: str = "stripe:capture"
) -> SettlementDue:
    return SettlementDue(
        id=timer_id(kind, subject, epoch_ms(due)), psp="stripe", identity="pi_1", kind="capture"
    )


def test_timers_fired_late_early_twice_or_forged_are_ignored() -> None:
    world = configured(PspConfiguration(settlement_window_seconds=7200))
    world.send(expectation())
    (due,) = world.timers().values()
    assert world.send(settlement_fired(due + HOUR)) == "ignored", "moved or forged"
    assert world.send(settlement_fired(due, subject="stripe:refund")) == "ignored"
    assert (
        world.send(SettlementDue(id="nonsense", psp="stripe", identity="pi_1", kind="capture")) == "ignored"
    )
    forged = PaymentDue(id=settlement_fired(due).id, psp="stripe", identity="pi_1", kind="capture")
    assert world.send(forged) == "ignored", "another window's timer"
    assert world.timers() == {"settlement": due}
    world.send(line())
    assert world.send(settlement_fired(due)) == "ignored", "the line came first"
    assert world.mismatches() == []


def test_nothing_is_parked_here() -> None:
    world = configured()
    assert world.send(ParkedExpire(id="x", key="stripe:pi_1", subject="s")) == "ignored"
