"""Histories: expectations that change, move and go, lines that are corrected, configuration in between.

Whatever meets whatever, once all is decided the books, the places of the lines and what is open say what the
last facts say. `TALLYSTICK_HISTORIES=1500` looks for more; what was ever found is kept in `FOUND`.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any, Final

import pytest

from app.domain.commands import PlatformConfigure
from app.domain.configuration import PspConfiguration, SettlementCalendar, SourceConfiguration
from tests.support.matching_histories import History, SlowCluster
from tests.support.matching_rest import breaches

HISTORIES: Final = int(os.environ.get("TALLYSTICK_HISTORIES", "50"))
ORDERS: Final = 3
PAUSES: Final = (0, 0, 30, 90, 3600)
"""Seconds between two facts; the windows are 60 and 7200 seconds long."""
FOUND: Final = {
    (60, 2): "a line corrected while its own home's expectation went: lost, with its money",
    (121, 4): "likewise, over a line that was converted",
    (165, 0): "a chargeback corrected to a refund and back: reported twice, with two amounts",
    (175, 0): "a verdict of the currency that a line had before it was corrected",
    (218, 5): "likewise: a guest where its amount is no evidence",
    (254, 5): "an answer to a reference that the line had, lost and had again",
    (487, 1): "likewise: the line stays at a home whose expectation has gone, and nobody misses it",
    (1358, 1): "an object that lies in the open partition under both its homes",
}
FOUND_CONFIGURED: Final = {
    (94, 0): "references switched off and on: pointers that nobody took away",
    (98, 5): "likewise",
    (207, 2): "amounts no longer compared: a line that stays where only its amount had led it",
}


def platform(record_id: str, **psp: Any) -> PlatformConfigure:
    fields = {"gross_tolerance": 1, "settlement_window_seconds": 7200, **psp}
    return PlatformConfigure(
        id=record_id,
        psps={"stripe": PspConfiguration(**fields)},
        sources={"acq": SourceConfiguration(psp="stripe", payment_window_seconds=60)},
    )


def some_platform(rng: random.Random, number: int) -> PlatformConfigure:
    return platform(
        f"cfg{number}",
        gross_tolerance=rng.choice((0, 1, 5)),
        references=rng.random() < 0.7,
        match_by_amount=rng.random() < 0.7,
        settlement_window_seconds=rng.choice((None, 60, 7200)),
        calendar=SettlementCalendar(settlement_days=rng.choice((0, 2, 10))),
    )


def play(history: History, order: str, configured: bool = False) -> SlowCluster:
    """All facts in one order, some of the consequences decided in between; then a year passes."""
    rng = random.Random(f"play {order}")
    cluster = SlowCluster(5, rng)
    cluster.say(platform("cfg0"))
    cluster.run()
    facts = history.interleaved(order)
    if configured:
        for number in range(1, rng.randint(2, 4)):
            facts.insert(rng.randint(0, len(facts)), some_platform(rng, number))
    for fact in facts:
        cluster.say(fact)
        cluster.run(rng.choice((0, 0, 1, 3, 6)))
        if pause := rng.choice(PAUSES):
            cluster.later(pause)
    cluster.run()
    cluster.fire_timers(cluster.now + timedelta(days=365))
    return cluster


def result(cluster: SlowCluster) -> tuple[object, ...]:
    """What has to be the same in every order."""
    found = [
        (m.id, m.category, m.severity, m.expected_amount, m.actual_amount, m.batch_id, m.payment_id)
        for m in cluster.open()
    ]
    return cluster.matches(), found, cluster.balances()


def assert_at_rest(seed: int, order: int, configured: bool = False) -> SlowCluster:
    history = History(seed)
    cluster = play(history, f"{seed}/{order}", configured)
    assert breaches(cluster, history.lines, history.expectations, not configured) == []
    return cluster


@pytest.mark.parametrize(("seed", "order"), FOUND)
def test_what_was_found_once(seed: int, order: int) -> None:
    assert_at_rest(seed, order)


@pytest.mark.parametrize(("seed", "order"), FOUND_CONFIGURED)
def test_what_was_found_once_with_configuration(seed: int, order: int) -> None:
    assert_at_rest(seed, order, configured=True)


def test_every_history_comes_to_rest_and_to_the_same_in_every_order() -> None:
    for seed in range(HISTORIES):
        results = [result(assert_at_rest(seed, order)) for order in range(ORDERS)]
        assert results == results[:1] * ORDERS, f"history {seed}"


def test_configuration_in_between_leaves_nothing_behind() -> None:
    for seed in range(2 * HISTORIES):
        assert_at_rest(seed, 0, configured=True)
