"""What the stories say must come out is what the rules make of them, without Kafka, database and faults.

So a difference that a run of hazards shows is not one between the stories and the rules.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

import orjson
import pytest

from app.contracts.topics import BY_NAME
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS, PAYMENTS_COMMANDS, PSP_WEBHOOKS
from app.kafka.publisher import Outgoing
from tests.hazards.stories import Stories
from tests.hazards.story_parts import Event
from tests.hazards.traffic import Traffic, platform
from tests.hazards.truth import Match
from tests.simulation.order import Calm

PARTITIONS = 3
CATEGORIES = {
    "AMBIGUOUS",
    "AMOUNT_OVER",
    "AMOUNT_UNDER",
    "CURRENCY_MISMATCH",
    "DIRECTION_MISMATCH",
    "DISPUTE_UNMATCHED",
    "DUPLICATE_PAYMENT",
    "DUPLICATE_SETTLEMENT",
    "FEE_VARIANCE",
    "FX_VARIANCE",
    "LATE",
    "MISSING_PAYMENT",
    "MISSING_SETTLEMENT",
    "STATUS_MISMATCH",
}


def as_stored(event: Event) -> Outgoing:
    """The webhook as the web process puts it into the log."""
    body = orjson.dumps(event.document).decode()
    record = {
        "type": "webhook.received",
        "psp": "sandbox",
        "headers": {"webhook-id": event.id},
        "body": body,
        "received_at": datetime.now(UTC).isoformat(),
    }
    return Outgoing(PSP_WEBHOOKS, 0, sha256(body.encode()).hexdigest().encode(), orjson.dumps(record))


def configuration() -> list[Outgoing]:
    value = orjson.dumps({"type": "platform.configure", **platform()})
    topics = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS)
    return [Outgoing(topic, number, None, value) for topic in topics for number in range(PARTITIONS)]


def told(world: Calm, traffic: Traffic, records: Iterable[Outgoing], shuffled_by: Random) -> None:
    everything = [*records, *map(as_stored, traffic.webhooks)]
    shuffled_by.shuffle(everything)
    world.tell(everything)
    world.fire_timers()


def values(world: Calm, kind: str) -> list[Any]:
    rows = (row for oracle in world.lanes.values() for row in oracle.values.items())
    return [value for ref, value in rows if ref.kind == kind and value is not None]


def about(found: Mismatch) -> tuple[str, str]:
    of_merchant = f"{found.merchant_id}/{found.currency}" if found.leg == "M" else found.owner_key
    return found.category, found.payment_id or found.explanation.get("waited_for") or of_merchant


@pytest.mark.parametrize("seed", range(3))
def test_the_rules_end_every_story_as_told(seed: int) -> None:
    traffic = Traffic(seed, PARTITIONS)
    world = Calm(dict.fromkeys(BY_NAME, PARTITIONS), time.time_ns() // 1_000_000)
    world.tell(configuration() + traffic.opening())
    stories: Stories = traffic._stories
    for tell in stories._stories * 4:
        tell()
    told(world, traffic, traffic.rest(), Random(seed))

    items = [item for item in values(world, "item") if item.expectation is not None and item.lines]
    found = {
        (item.psp, item.identity, item.kind): Match(
            frozenset(held.record.id for held in item.lines), item.matched
        )
        for item in items
    }
    assert found == traffic.truth.matches
    is_open = [about(mismatch) for mismatch in values(world, "mismatch") if mismatch.status in OPEN_STATUSES]
    assert Counter(is_open) == Counter(traffic.truth.open_after({}))
    assert {category for category, _ in is_open} >= CATEGORIES
