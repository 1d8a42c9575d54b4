"""Rows are fetched ahead, so that the usual record is decided without asking the database again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.matching_world import configured, expectation, line


@pytest.mark.parametrize(
    "facts",
    [
        (expectation(), line()),
        (expectation(fee=320), line(fee=320)),
        (expectation(fee=320), line(fee=321)),
        (line(fee=320),),
        (expectation(),),
        (
            expectation(-500, kind="refund", identities=("re_1",)),
            line(gross=-500, kind="refund", psp_payment_id="re_1"),
        ),
        (expectation(fee=320), line(fee=320, tax=61, reserve=100)),
    ],
    ids=["pair", "fee", "fee variance", "line alone", "expectation alone", "refund", "tax and reserve"],
)
def test_what_agrees_needs_no_second_look(facts: tuple[Any, ...]) -> None:
    world = configured()
    world.send_all(facts)
    assert world.extra_loads == 0


def test_a_window_that_closes_needs_no_second_look() -> None:
    for fact in (expectation(), line()):
        world = configured()
        world.send(fact)
        assert world.fire_timers() == 1
        assert (len(world.open()), world.extra_loads) == (1, 0)


def test_a_mismatch_costs_one_look_for_its_own_row() -> None:
    world = configured()
    world.send_all([expectation(1000), line(gross=900)])
    assert (world.categories(), world.extra_loads) == (["PARTIAL_SETTLEMENT"], 1)
