"""Three legs, any order of arrival: what the stories say comes out, and the same each time.

`python -m tests.domain.three_leg_orders --orders 1000` plays as many as the closing note quotes.
"""

from __future__ import annotations

from typing import Final, get_args

import pytest

from app.domain.mismatch import Category
from tests.domain.three_leg_orders import differences, outcome, played
from tests.domain.three_leg_scenario import Scenario

ORDERS: Final = 20
NOT_YET: Final = frozenset({"INVOICE_UNPAID"})
"""No facts open it: there are no invoices yet."""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(0)


def test_every_category_is_told(scenario: Scenario) -> None:
    assert {found.category for found in scenario.found} == {*get_args(Category)} - NOT_YET


def test_what_the_stories_say_comes_out(scenario: Scenario) -> None:
    wanted = outcome(played(scenario, 0))
    assert wanted["found"] == sorted(scenario.found)
    assert wanted["banked"] == sorted(scenario.banked)


def test_every_order_ends_the_same(scenario: Scenario) -> None:
    wanted = outcome(played(scenario, 0))
    for order in range(1, ORDERS + 1):
        assert differences(wanted, outcome(played(scenario, order))) == [], f"order {order}"


def test_another_scenario() -> None:
    """Other amounts, each story twice, so that stories meet each other's like."""
    scenario = Scenario(1, rounds=2)
    wanted = outcome(played(scenario, 0))
    assert wanted["found"] == sorted(scenario.found)
    for order in range(1, 4):
        assert differences(wanted, outcome(played(scenario, order))) == [], f"order {order}"


def test_what_differs_is_seen(scenario: Scenario) -> None:
    """The comparison itself: a missing finding and a moved cent."""
    wanted = outcome(played(scenario, 0))
    account = next(iter(wanted["balances"]))
    other = {
        **wanted,
        "found": wanted["found"][1:],
        "balances": {**wanted["balances"], account: wanted["balances"][account] + 1},
    }
    assert {line.partition(":")[0] for line in differences(wanted, other)} == {"found", "balances"}
