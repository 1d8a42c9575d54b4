"""Histories of asking for money: merchants, payers, people and a PSP that is hard to work with, all at once.

Whatever happens in between, once the PSP is well and everything has arrived its truth is what our books say.
`TALLYSTICK_ASKING_HISTORIES=2000` looks for more; what was ever found has a test in `test_asking_races.py`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import pytest

from tests.support.asking_orders import state_of, told_again
from tests.support.asking_people import People
from tests.support.asking_rest import breaches

HISTORIES: Final = int(os.environ.get("TALLYSTICK_ASKING_HISTORIES", "40"))
ACTS: Final = 200
ORDERS: Final = 2
NUMBERS: Final = itertools.count()
PLANTS: Final[dict[str, tuple[str, Any]]] = {
    "captures on their way do not count": ("app.domain.capture_requests.in_flight", lambda _: 0),
    "refunds on their way do not count": (
        "app.domain.guards.refundable",
        lambda payment: (
            payment.captured_amount - sum(r.amount for r in payment.refunds.values() if r.confirmed)
        ),
    ),
    "a seller's refund is not held against the whole": (
        "app.domain.split_parents.refundable",
        lambda _: 10**15,
    ),
    "a webhook's refund is another than the one that was asked for": (
        "app.domain.psp_answers.join_refund",
        lambda *_: False,
    ),
    "a declined refund is never believed": (
        "app.domain.psp_answers.with_decline",
        lambda payment, _: payment,
    ),
    "a time-out is an end": (
        "tests.support.asking_world.OUTCOMES",
        dict.fromkeys(("done", "declined", "retry", "unknown", "misconfigured"), "done"),
    ),
    "every attempt has a key of its own": (
        "tests.support.asking_psp.idempotency_key",
        lambda _: next(NUMBERS),
    ),
}


TILTED: Final[dict[str, dict[str, Any]]] = {
    "a declined refund is never believed": {"forgets_refusals": True, "trusting": False, "no": 40},
}
"""What the PSP is made to be like, where a bug shows in one history of a thousand otherwise."""


def history(seed: int, *, with_sellers: bool = False, psp: Mapping[str, Any] | None = None) -> People:
    people = People(seed, with_sellers=with_sellers)
    vars(people.psp).update(psp or {})
    for _ in range(ACTS):
        people.act()
    people.rest()
    return people


@pytest.mark.parametrize("with_sellers", [False, True])
def test_every_history_ends_with_the_psps_truth_in_our_books(with_sellers: bool) -> None:
    for seed in range(HISTORIES):
        assert breaches(history(seed, with_sellers=with_sellers)) == [], f"history {seed}"


def test_what_was_told_between_two_requests_may_come_in_any_order() -> None:
    """Where the PSP's webhooks name our ids; else the first to come names a capture for good."""
    for seed in range(HISTORIES):
        people = history(seed)
        if people.psp.forgets_names:
            continue
        log = people.world.log
        expected = state_of(told_again(log))
        for order in range(ORDERS):
            shuffled = told_again(log, Random(f"order {seed}/{order}"))
            assert state_of(shuffled) == expected, f"history {seed}, order {order}"


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_found(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PLANTS[plant])
    psp = TILTED.get(plant)
    assert any(is_found(seed, with_sellers, psp) for seed in range(400) for with_sellers in (False, True))


def test_nothing_is_found_without_a_plant_where_the_psp_is_tilted() -> None:
    assert not any(is_found(seed, False, psp) for psp in TILTED.values() for seed in range(HISTORIES))


def is_found(seed: int, with_sellers: bool, psp: Mapping[str, Any] | None) -> bool:
    try:
        return breaches(history(seed, with_sellers=with_sellers, psp=psp)) != []
    except AssertionError:  # the books' own invariants
        return True
