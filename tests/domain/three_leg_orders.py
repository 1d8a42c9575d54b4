"""Three legs, any order of arrival: the same matches, open exceptions and balances.

`python -m tests.domain.three_leg_orders --orders 1000` is what the closing note quotes; among the tests fewer
orders are played (`test_three_leg_orders.py`).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any, Final

import click

from app.domain.mismatch import Mismatch
from app.domain.streams import BANKING_COMMANDS
from tests.domain.three_leg_facts import Found, prepare
from tests.domain.three_leg_scenario import Scenario
from tests.support.all_lanes import AllLanes

PARTITIONS: Final = 3


def played(scenario: Scenario, order: int) -> AllLanes:
    """The lanes after all facts, a tenth of them told twice; order 0 is the one in which they were told."""
    chance = random.Random(f"order {order}")
    facts = list(scenario.facts)
    if order:
        facts += chance.sample(facts, len(facts) // 10)
        chance.shuffle(facts)
    lanes = AllLanes(PARTITIONS, chance)
    prepare(lanes, scenario.before)
    lanes.settle_down(facts)
    assert [one for one in lanes.unhappy if one[0] != "ignored"] == []
    return lanes


def outcome(lanes: AllLanes) -> dict[str, Any]:
    """Everything that must not depend on the order of arrival."""
    opened = sorted(lanes.open(), key=lambda one: one.id)
    return {
        "found": sorted(about(one) for one in opened),
        "matches": _matches(lanes),
        "banked": banked(lanes),
        "open": [
            (one.id, one.severity, one.currency, one.expected_amount, one.actual_amount, one.batch_id)
            for one in opened
        ],
        "why": [
            (one.id, one.explanation["differences"], one.explanation["reasons"])
            for one in opened
            if one.leg != "M"
        ],
        "balances": lanes.balances(),
        "payments": [
            (one.merchant_id, one.id, one.status, one.settlement_status) for one in lanes.values("payment")
        ],
        "payouts": [(one.id, one.status, one.bank) for one in lanes.values("payout")],
        "timers": sorted(timer.record.id.split("/")[0] for timer in lanes.values("timer")),
    }


def about(mismatch: Mismatch) -> Found:
    """As a story names it: a payment, a line, a batch, a bank line, a payout, a merchant."""
    subjects = mismatch.explanation["subject_ids"]
    return Found(mismatch.leg, mismatch.category, _name(mismatch, subjects))


def _name(mismatch: Mismatch, subjects: list[str]) -> str:
    if mismatch.category == "NEGATIVE_BALANCE":
        return str(mismatch.merchant_id)
    if mismatch.leg == "A":
        lines = mismatch.explanation["inputs"]["lines"]
        named = next((line["id"] for line in lines if line["id"] in subjects), None)
        return mismatch.payment_id or named or str(lines[0]["id"])
    if mismatch.leg == "M":
        return mismatch.payment_id or next(one for one in subjects if one != "payout")
    if mismatch.batch_id:
        return mismatch.batch_id
    subject = next(one for one in subjects if ":" in one)
    return subject.rpartition("/")[2] if subject.startswith("payout:") else subject.removeprefix("line:")


def _matches(lanes: AllLanes) -> list[tuple[str, str, str]]:
    return sorted(
        (held.record.id, item.here.subject, held.rule)
        for item in lanes.values("item")
        for held in item.lines
        if item.here is not None
    )


def banked(lanes: AllLanes) -> list[tuple[str, str, str]]:
    """(bank line, counterpart, rule) of every pair."""
    held = [value for ref, value in lanes.rows("document", BANKING_COMMANDS) if ref.key[0] == "bank_line"]
    return sorted((line.record.line_id, link.to, link.rule) for line in held for link in line.links)


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What two outcomes differ in, for people."""
    found = []
    for name, wanted in one.items():
        if other[name] != wanted:
            left = wanted.items() if isinstance(wanted, dict) else wanted
            right = other[name].items() if isinstance(other[name], dict) else other[name]
            found += [f"{name}: only first: {item}" for item in left if item not in right]
            found += [f"{name}: only second: {item}" for item in right if item not in left]
    return found


@click.command()
@click.option("--orders", default=1000, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the scenario.")
@click.option("--rounds", default=1, show_default=True, help="How often each story is told.")
def main(orders: int, seed: int, rounds: int) -> None:
    """Play many orders; stops at the first that ends otherwise, naming it."""
    scenario = Scenario(seed, rounds)
    began = time.monotonic()
    lanes = played(scenario, 0)
    wanted = outcome(lanes)
    for line in differences({"found": sorted(scenario.found), "banked": sorted(scenario.banked)}, wanted):
        raise SystemExit(f"not as told: {line}")
    decided = lanes.outcomes.total()
    for order in range(1, orders + 1):
        lanes = played(scenario, order)
        found = differences(wanted, outcome(lanes))
        if found:
            raise SystemExit(f"order {order} of scenario {seed} ends otherwise:\n" + "\n".join(found[:20]))
        decided += lanes.outcomes.total()
        if order % 100 == 0:
            click.echo(f"{order} orders, {time.monotonic() - began:.0f} s", err=True)
    categories = Counter(one.category for one in scenario.found)
    click.echo(
        f"scenario {seed}: {len(scenario.facts)} facts, {len(scenario.found)} exceptions of"
        f" {len(categories)} categories, {len(wanted['matches'])} + {len(wanted['banked'])} pairs;"
        f" {orders} orders over {PARTITIONS} partitions of 5 topics end the same:"
        f" {decided:,} records decided in {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
