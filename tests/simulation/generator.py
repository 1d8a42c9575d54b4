"""Seeded input: what upstream, PSPs, acquirers and banks write, well-behaved or not.

Records come as stories (a payment with its captures, refunds, disputes, webhooks and lines; a payout; a
bank line) whose parts are then moved about, so that repeats, contradictions and children before their
parents arise by themselves. The stories are told in `told_*.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

import msgspec

from app.domain.streams import (
    ALERTS_COMMANDS,
    BANKING_COMMANDS,
    EFFECTS_REQUESTS,
    MATCHING_COMMANDS,
    PAYMENTS_COMMANDS,
)
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from tests.simulation import (
    told_effects,
    told_lines,
    told_money_out,
    told_payments,
    told_requests,
    told_webhooks,
)
from tests.simulation.noise import broken, noise

CONFIGURED: Final = (
    PAYMENTS_COMMANDS,
    MATCHING_COMMANDS,
    BANKING_COMMANDS,
    EFFECTS_REQUESTS,
    ALERTS_COMMANDS,
)
ALERTS: Final = {"channels": {"ops": {"kind": "slack"}}, "group_above": 3, "repeat_seconds": 31_536_000}
_encode: Final = msgspec.json.Encoder().encode


class Generator:
    """`records` holds (place in time, record); the places are sorted when all is told.

    `orderly`: only what must end the same in any order of arrival: configuration first and once, no
    requests, nothing that contradicts or corrects what was told before.
    """

    def __init__(self, rng: Random, partitions: Mapping[str, int], orderly: bool = False) -> None:
        self.rng = rng
        self.partitions = partitions
        self.orderly = orderly
        self.records: list[tuple[float, Outgoing]] = []
        self.merchants = [f"m-{n}" for n in range(2 + int(rng.random() * 4))]
        self._ids = 0

    def inputs(self, count: int) -> list[Outgoing]:
        """The next `count` records; the first time configuration comes first, mostly."""
        configured: list[tuple[float, Outgoing]] = []
        if not self._ids:
            self._configure()
            if self.orderly:
                configured, self.records = self.records, []
        while len(self.records) + len(configured) < count:
            self._tell(0.02 + self.rng.random())
        self.records.sort(key=lambda told: told[0])
        self.records = configured + self.records
        told, self.records = self.records[:count], self.records[count:]
        return [record for _, record in told]

    def _tell(self, place: float) -> None:
        chance = self.rng.random()
        if 0.58 < chance < 0.72 and not self.orderly:
            told_requests.tell(self, place)
        elif chance < 0.72:
            told_payments.tell(self, place)
        elif chance < 0.78:
            told_lines.tell_strangers(self, place)
        elif chance < 0.82:
            told_webhooks.tell_junk(self, place)
        elif chance < 0.9:
            told_money_out.tell(self, place)
        elif self.orderly:
            self.records.append((place, broken(self)))
        elif self.chance(0.4):
            told_effects.tell(self, place)
        else:
            place, record = noise(self, place)
            self.records.append((place, record))

    def new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    @property
    def last_id(self) -> int:
        return self._ids

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def contradicts(self, share: float) -> bool:
        """As `chance`, for what an orderly input does not have; draws in either case."""
        return self.rng.random() < share and not self.orderly

    def say(self, place: float, topic: str, key: str, record: Mapping[str, Any]) -> None:
        """Write one record near `place`, sometimes twice, sometimes far too late or too early."""
        value = _encode(record)
        raw = key.encode()
        outgoing = Outgoing(topic, partition_for(raw, self.partitions[topic]), raw, value)
        random = self.rng.random
        spread = 0.3 if random() < 0.15 else 0.01
        self.records.append((place + spread * (random() - 0.3), outgoing))
        if random() < 0.08:
            self.records.append((place + 0.2 * random(), outgoing))

    def command(self, place: float, kind: str, merchant: str, **fields: Any) -> None:
        """A record for the merchant lane; now and then the same fact comes under another id as well."""
        record = {"type": kind, "id": self.new_id("c"), "merchant_id": merchant, **fields}
        self.say(place, PAYMENTS_COMMANDS, merchant, record)
        chance = self.rng.random()
        if chance < 0.05:
            self.say(place + 0.05, PAYMENTS_COMMANDS, merchant, {**record, "id": self.new_id("c")})
        elif chance < 0.08 and "amount" in record and not self.orderly:
            other = {**record, "amount": record["amount"] + 1}
            if self.rng.random() < 0.5:
                other["id"] = self.new_id("c")
            self.say(place + 0.05, PAYMENTS_COMMANDS, merchant, other)

    def _configure(self) -> None:
        self._configure_platform(0.0)
        if self.contradicts(0.3):
            self._configure_platform(self.rng.random())
        for merchant in self.merchants:
            if self.chance(0.85):
                self._configure_merchant(0.001, merchant)
            if self.contradicts(0.2):
                self._configure_merchant(self.rng.random(), merchant)

    def _configure_platform(self, place: float) -> None:
        value = _encode(platform(self.rng, self.new_id("p")))
        for topic in CONFIGURED:
            for partition in range(self.partitions[topic]):
                self.records.append((place, Outgoing(topic, partition, None, value)))

    def _configure_merchant(self, place: float, merchant: str) -> None:
        random = self.rng.random
        record = {
            "name": f"Shop {merchant}",
            "settlement_currency": "EUR",
            "fee_plan": {"bps": int(random() * 400), "fixed": {"EUR": int(random() * 40)}},
            "negative_limit": (0, 0, 5000)[int(random() * 3)],
        }
        if random() < 0.7:
            record["release_delay_seconds"] = (0, 0, 0, 1, 30)[int(random() * 5)]
        self.command(place, "merchant.configure", merchant, **record)


def platform(rng: Random, record_id: str) -> dict[str, Any]:
    """Plans, windows, tolerances; every window long and short, every way of matching on and off."""
    random = rng.random
    window = (1, 20, 3600, None)[int(random() * 4)]
    wait = (0, 2, 60)[int(random() * 3)]
    plan = {"bps": int(random() * 300), "fixed": {"EUR": 10, "USD": 12}}
    return {
        "type": "platform.configure",
        "id": record_id,
        "default_plan": {"bps": 250, "fixed": {"EUR": 25, "JPY": 30}},
        "release_delay_seconds": (0, 3, 600)[int(random() * 3)],
        "effects": {"webhook.delivery": {"pauses_seconds": [1, 60], "deadline_seconds": 600}},
        "alerts": ALERTS,
        "parking_window_seconds": (1, 30, None, None)[int(random() * 4)],
        "default_psp": told_requests.PSP,
        "psps": {
            "stripe": {
                "fee_plan": plan,
                "fee_payer": "merchant" if random() < 0.4 else "platform",
                "settlement_window_seconds": window,
                "dispute_loss_bearer": "platform" if random() < 0.4 else "merchant",
            },
            "adyen": {
                "gross_tolerance": int(random() * 2),
                "settlement_window_seconds": window,
                "match_by_amount": random() < 0.7,
                "references": random() < 0.8,
            },
            told_requests.PSP: {"api": True, "authorization_seconds": (1, 60, 3600)[int(random() * 3)]},
            "sandbox": {
                "fee_plan": plan if random() < 0.5 else None,
                "settlement_window_seconds": (2, None, 10**8)[int(random() * 3)],
                "dispute_fee_passed_on": random() < 0.5,
                "gross_tolerance": (0, 0, 2)[int(random() * 3)],
            },
        },
        "sources": {
            "acquirer-a": {"psp": "stripe", "payment_window_seconds": window, "min_wait_seconds": wait},
            "acquirer-b": {"psp": "adyen", "payment_window_seconds": 2},
            "acquirer-s": {"psp": "sandbox", "payment_window_seconds": (1, 60)[int(random() * 2)]},
        },
    }
