"""The same facts in any order of arrival end in the same matches, open mismatches, books and timers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from tests.support.matching_world import MatchingWorld, configured, expectation, line

IDENTITIES = ("pi_1", "pi_2")
QUICK = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def expectations(draw: st.DrawFn) -> list[ExpectationAnnounced]:
    """At most one per identity and kind, small amounts, so that lines often repeat, sum up and exceed."""
    places = [(identity, kind) for identity in IDENTITIES for kind in ("capture", "refund")]
    chosen = draw(st.lists(st.sampled_from(places), unique=True, max_size=3))
    return [
        expectation(
            draw(st.sampled_from((100, 200, 300))) * (1 if kind == "capture" else -1),
            draw(st.sampled_from((None, 0, 5, 10))),
            id=f"e-{identity}-{kind}",
            identities=(identity,),
            kind=kind,
        )
        for identity, kind in chosen
    ]


@st.composite
def lines(draw: st.DrawFn) -> list[LineRecorded]:
    count = draw(st.integers(0, 6))
    return [_line(draw, number) for number in range(count)]


def _line(draw: st.DrawFn, number: int) -> LineRecorded:
    kind = draw(st.sampled_from(("capture", "capture", "refund")))
    gross = draw(st.sampled_from((50, 100, 100, 200, 201))) * (1 if kind == "capture" else -1)
    return line(
        f"L{number}",
        gross,
        draw(st.sampled_from((0, 5, 6, 12))),
        kind=kind,
        psp_payment_id=draw(st.sampled_from(IDENTITIES)),
        currency=draw(st.sampled_from(("EUR", "EUR", "EUR", "USD"))),
        tax=draw(st.sampled_from((0, 0, 3))),
        batch_id=draw(st.sampled_from(("B1", "B2"))),
        booked_on=date(2026, 11, draw(st.integers(20, 22))),
    )


def a_world() -> MatchingWorld:
    """Gross tolerance 1; windows short enough that timers can fire between two facts."""
    return configured(
        PspConfiguration(gross_tolerance=1, settlement_window_seconds=7200),
        SourceConfiguration(psp="stripe", payment_window_seconds=60),
    )


def outcome(world: MatchingWorld) -> Any:
    """What must not depend on the order: open mismatches with their evidence, roles, books."""
    mismatches = {
        m.id: (m.category, m.severity, m.expected_amount, m.actual_amount, m.batch_id, m.explanation)
        for m in world.open()
    }
    held = {
        ref: ([held.record for held in value.lines], value.expectation, set(value.open))
        for ref, value in world.state.items()
        if ref.kind == "item"
    }
    return mismatches, held, world.balances(), world.timers()


def after(facts: Sequence[Any]) -> Any:
    world = a_world()
    world.send_all(facts)
    world.fire_timers()
    return outcome(world)


@QUICK
@given(expectations(), lines(), st.randoms(use_true_random=False))
def test_any_order_with_repeats_and_timers_last(
    expected: list[ExpectationAnnounced], settled: list[LineRecorded], chance: random.Random
) -> None:
    facts: list[Any] = [*expected, *settled]
    wanted = after(facts)
    for _ in range(3):
        repeats = [fact for fact in facts if chance.random() < 0.3]
        shuffled = [*facts, *repeats]
        chance.shuffle(shuffled)
        assert after(shuffled) == wanted


@QUICK
@given(expectations(), lines(), st.randoms(use_true_random=False))
def test_timers_that_fire_between_the_facts_change_nothing_in_the_end(
    expected: list[ExpectationAnnounced], settled: list[LineRecorded], chance: random.Random
) -> None:
    facts: list[Any] = [*expected, *settled]
    wanted = after(facts)
    chance.shuffle(facts)
    world = a_world()
    for fact in facts:
        world.send(fact)
        world.now += timedelta(seconds=chance.choice((0, 30, 3600)))
        world.fire_timers(world.now)
    world.fire_timers()
    mismatches, held, balances, timers = outcome(world)
    assert (_without_reopening(mismatches), held, balances, timers) == (
        _without_reopening(wanted[0]),
        *wanted[1:],
    )


def _without_reopening(mismatches: dict[str, Any]) -> dict[str, Any]:
    """A mismatch that had been resolved in between may keep a trace of that; its evidence may not differ."""
    return {
        key: (*found[:-1], {name: found[-1][name] for name in ("differences", "inputs", "reasons")})
        for key, found in mismatches.items()
    }


@QUICK
@given(expectations(), lines(), st.randoms(use_true_random=False))
def test_the_books_add_up_after_every_fact(
    expected: list[ExpectationAnnounced], settled: list[LineRecorded], chance: random.Random
) -> None:
    facts: list[Any] = [*expected, *settled]
    chance.shuffle(facts)
    world = a_world()
    nets: dict[tuple[str, str], int] = {}
    for fact in facts:
        world.send(fact)
        if isinstance(fact, LineRecorded):
            place = (f"transit:acq:{fact.batch_id}", fact.currency)
            nets[place] = nets.get(place, 0) + fact.net
        books = world.balances()
        transit = {place: sum_ for place, sum_ in books.items() if place[0].startswith("transit:")}
        assert transit == {place: net for place, net in nets.items() if net}
    unpaired = {entry: sum_ for entry, sum_ in world.balances().items() if entry[0] == "unapplied"}
    assert unpaired == _left_aside(world)


def _left_aside(world: MatchingWorld) -> dict[tuple[str, str], int]:
    """Σ gross of lines that no expectation takes: none is there, or the line is an open duplicate."""
    duplicates = {
        line_id
        for m in world.open()
        if m.category == "DUPLICATE_SETTLEMENT"
        for line_id in m.explanation["subject_ids"]
    }
    sums: dict[tuple[str, str], int] = {}
    for item in (value for ref, value in world.state.items() if ref.kind == "item"):
        for held in item.lines:
            if item.expectation is None or held.record.id in duplicates:
                place = ("unapplied", held.record.currency)
                sums[place] = sums.get(place, 0) + held.record.gross
    return {place: sum_ for place, sum_ in sums.items() if sum_}
