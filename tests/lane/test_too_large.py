"""A record whose output no broker takes is a dead letter: after the commit it could only halt its lane."""

from __future__ import annotations

import msgspec

from app.domain.streams import SETTLEMENTS_LINES
from app.kafka.publisher import RECORD_BYTES
from app.lane.catalogue import RULES
from app.lane.lane import Lane
from app.store.api import LaneId
from tests.support.lane_world import World, payment


def reasons(world: World) -> list[str]:
    return [row.reason.partition(":")[0] for row in world.store.dead_letters.values()]


async def test_a_record_that_fits_only_without_the_forwarding_header() -> None:
    world = World()
    value = payment(1, payer={"email": "x" * (RECORD_BYTES - 400)})
    record = world.log.append(value, key=b"stranger")
    await world.lane.process([record, world.payment(2)])
    await world.lane.settle()
    assert dict(world.lane.stats.outcomes) == {"forwarded": 1, "applied": 1}
    larger = world.log.append(value + b" " * 300, key=b"stranger")
    headed = world.log.append(payment(3), key=b"stranger", headers=(("trace", b"t" * RECORD_BYTES),))
    await world.lane.process([larger, headed])
    await world.lane.settle()
    assert reasons(world) == ["too_large", "too_large"]
    assert max(record.size for record in world.output.records) <= RECORD_BYTES


async def test_a_line_that_fits_the_door_and_not_the_lane_behind_it() -> None:
    world = World()
    door = Lane(LaneId(SETTLEMENTS_LINES, 0), RULES[SETTLEMENTS_LINES], world.deps)
    line = {
        "type": "settlement.line",
        "source": "acq",
        "psp": "stripe",
        "batch_id": "b",
        "line_id": "l",
        "kind": "capture",
        "psp_payment_id": "pi_1",
        "currency": "EUR",
        "gross": 100,
        "settle_currency": "USD",
        "rate": "1" * RECORD_BYTES,
        "net": 110,
        "booked_on": "2026-11-20",
    }
    await door.process([world.log.append(msgspec.json.encode(line))])
    await door.settle()
    assert dict(door.stats.outcomes) == {"dead_letter": 1}
    assert reasons(world) == ["too_large"]
    assert world.output.records == []
