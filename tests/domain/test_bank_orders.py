"""Any order of arrival, over several partitions: the same pairs, exceptions and books on leg B."""

from __future__ import annotations

import os
import random
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.support.all_lanes import AllLanes
from tests.support.bank_world import BOOKED, bank, documents, line, payment, platform, trailer

PARTITIONS: Final = 4
ORDERS: Final = int(os.environ.get("TALLYSTICK_ARRIVAL_ORDERS", "24"))


class Story:
    """A seeded set of facts: batches of a few lines, what the bank says of them, and what goes wrong.

    Amounts come from a few, so that candidates collide.
    """

    def __init__(self, seed: int, batches: int = 12) -> None:
        self.rng = random.Random(f"bank {seed}")
        self.facts: list[Any] = []
        self.number = 0
        for index in range(batches):
            self._batch(f"PO{index:03}")
        for index in range(3):
            self.number += 1
            amount = self.rng.choice((1000, 2000, 3000, -700))
            self.facts.append(bank(900 + index, amount, self.rng.choice(("hello", "bank fee", None))))

    def _batch(self, name: str) -> None:
        rng, net = self.rng, 0
        booked_on = BOOKED + timedelta(days=rng.choice((0, 0, 1, 2, 9)))
        for _ in range(rng.randint(1, 3)):
            self.number += 1
            gross = rng.choice((1000, 1000, 2000, -500))
            currency = rng.choice(("EUR",) * 9 + ("USD",))
            if rng.random() < 0.8:
                self.facts.append(payment(self.number, abs(gross), currency=currency))
            said = line(
                self.number, gross, name, booked_on=booked_on, currency=currency, settle_currency=currency
            )
            self.facts.append(said)
            net += gross if currency == "EUR" else 0
        if rng.random() < 0.3:
            self.facts.append(trailer(rng.choice((1, 2, 3)), net, name))
        self._paid(name, net, booked_on)

    def _paid(self, name: str, net: int, booked_on: Any) -> None:
        rng = self.rng
        text = rng.choice((f"PAYOUT {name}", f"PAYOUT {name}", name, "hello", f"{name} PO000"))
        value_date = booked_on + timedelta(days=rng.choice((0, 1, 1, 3, 12)))
        parts = rng.choice(((net,), (net,), (net,), (net - 30,), (net // 2, net - net // 2), ()))
        for index, amount in enumerate(parts):
            self.number += 1
            currency = rng.choice(("EUR",) * 12 + ("USD",))
            self.facts.append(
                bank(
                    self.number,
                    amount,
                    text,
                    value_date=value_date + timedelta(days=index),
                    currency=currency,
                )
            )


def outcome(facts: list[Any], seed: int, pauses: tuple[int, ...] = (0,)) -> dict[str, Any]:
    world = AllLanes(PARTITIONS, random.Random(seed))
    world.say(platform())
    world.run()
    for fact in facts:
        world.say(fact)
        world.run(world.chance.choice((0, 1, 3, 9)))
        if pause := world.chance.choice(pauses):
            world.run()
            world.now += timedelta(seconds=pause)
            world.fire_timers(world.now)
    world.run()
    world.fire_timers(world.now + timedelta(days=3650))
    assert not [record for outcome, record, _ in world.unhappy if outcome == "dead_letter"]
    batches, lines = documents(world, "batch"), documents(world, "bank_line")
    return {
        "open": sorted(
            (
                m.id,
                m.category,
                m.severity,
                m.expected_amount,
                m.actual_amount,
                m.batch_id,
                m.explanation["reasons"],
            )
            for m in world.open()
        ),
        "balances": world.balances(),
        "links": {name: (held.links, held.shares, held.ignored) for name, held in lines.items()},
        "verdicts": {name: held.verdict for name, held in lines.items()},
        "batches": {
            name: (one.sums, one.received, one.matched, one.named_by, one.confirmed)
            for name, one in batches.items()
        },
        "settled": {
            held.id: (held.settlement_status, sorted((key, b.bank) for key, b in held.banked.items()))
            for held in world.values("payment")
        },
    }


@pytest.mark.parametrize("seed", range(6))
def test_every_order_ends_the_same(seed: int) -> None:
    facts = Story(seed).facts
    wanted = outcome(facts, 0)
    chance = random.Random(f"orders {seed}")
    for number in range(ORDERS // 6):
        shuffled = facts[:]
        chance.shuffle(shuffled)
        shuffled += chance.sample(facts, 10)
        found = outcome(shuffled, number)
        for name, value in wanted.items():
            assert found[name] == value, f"seed {seed}, order {number}: {name}"


@pytest.mark.parametrize("seed", range(6, 10))
def test_windows_that_close_between_the_facts_change_nothing_in_the_end(seed: int) -> None:
    """Hours and days pass between the facts: what opened too early takes itself back."""
    facts = Story(seed, 8).facts
    wanted = outcome(facts, 0)
    chance = random.Random(f"windows {seed}")
    for number in range(ORDERS // 8):
        shuffled = facts[:]
        chance.shuffle(shuffled)
        found = outcome(shuffled, number, pauses=(0, 0, 3, 3600, 86_400, 900_000))
        for name, value in wanted.items():
            assert found[name] == value, f"seed {seed}, order {number}: {name}"
