"""What no worker may survive in silence: a broken invariant, a log cut off, records too large to pass on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher
from app.store.api import LaneId
from tests.hazards.cluster import PARTITIONS, Cluster
from tests.hazards.faults import PATIENCE_SECONDS, Hazards
from tests.hazards.monitor import Monitor
from tests.hazards.truth import COMMANDS, LINES
from tests.support.waiting import eventually

PLANTED: Final = LaneId(COMMANDS, 3)
CUT: Final = LaneId(COMMANDS, 5)
PLANT: Final = """
INSERT INTO batches SELECT topic, partition, next_offset, next_offset, 0, 0, 0, 0, 0, 0, 0, 0 FROM positions
 WHERE topic = $1 AND partition = $2"""
UNPLANT: Final = """
DELETE FROM batches b USING positions p
 WHERE b.topic = $1 AND b.partition = $2 AND p.topic = $1 AND p.partition = $2
   AND b.first_offset = p.next_offset"""
OUTCOME: Final = """
SELECT (SELECT outcome FROM record_keys WHERE topic = $1 AND id = $2),
       (SELECT reason FROM dead_letters WHERE topic = $1 AND position($2::bytea IN payload) > 0)"""
BROKER_TAKES: Final = 1_048_588
"""The broker's `message.max.bytes`, which counts the whole batch."""
BATCH_OVERHEAD: Final = 200


async def plant_broken_invariant(hazards: Hazards) -> LaneId:
    """The next batch of a partition is there already, which only a broken guard could explain."""
    await hazards.all_down()
    await hazards.cluster.pool.execute(PLANT, *PLANTED)
    hazards.all_up()
    return PLANTED


async def remove_plant(cluster: Cluster, lane: LaneId) -> None:
    await cluster.pool.execute(UNPLANT, *lane)


async def others_go_on(monitor: Monitor, lane: LaneId) -> None:
    """Under load every other partition moves, twice."""
    for _ in range(2):
        await eventually(
            partial(_others_moved, monitor, lane, time.monotonic()),
            PATIENCE_SECONDS,
            "the other partitions to go on",
        )


def _others_moved(monitor: Monitor, lane: LaneId, since: float) -> bool:
    return all(at > since for other, at in monitor.moved_at.items() if other != lane)


async def others_catch_up(cluster: Cluster, monitor: Monitor, lane: LaneId) -> None:
    async def done() -> bool:
        ends = await cluster.reader.end_offsets([other for other in cluster.lanes if other != lane])
        return all(monitor.positions.get(LaneId(*other), 0) == end for other, end in ends.items())

    condition: Callable[[], bool | Awaitable[bool]] = done
    await eventually(condition, PATIENCE_SECONDS, "the other partitions to catch up")


async def cut_off(hazards: Hazards) -> LaneId:
    """Records that were never decided are deleted from the head of a log, as a retention setting would."""
    cluster = hazards.cluster
    await hazards.all_down()
    merchant = next(f"m-{n}" for n in range(1000) if partition_for(b"m-%d" % n, PARTITIONS) == CUT.partition)
    await publish(cluster, [_payment(CUT.partition, merchant, f"cut-{n}", "x") for n in range(20)])
    end = (await cluster.reader.end_offsets([CUT]))[CUT]
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(*CUT): RecordsToDelete(end - 5)})
    finally:
        await admin.close()
    hazards.all_up()
    return CUT


def large_records() -> list[Outgoing]:
    """As large as a batch of one may be: in its place, under another's key, and one to be passed on."""
    merchant, stranger = "m-large", b"stranger"
    room = BROKER_TAKES - BATCH_OVERHEAD
    home = partition_for(merchant.encode(), PARTITIONS)
    right = _payment(home, merchant, "large-right", "x" * (room - 400))
    wrong = _payment(home, merchant, "large-wrong", "x" * (room - 400))
    wrong = Outgoing(COMMANDS, partition_for(stranger, PARTITIONS), stranger, wrong.value)
    line = orjson.dumps(
        {
            "type": "settlement.line",
            "source": "stripe-files",
            "psp": "stripe",
            "batch_id": "large",
            "line_id": "large-line",
            "kind": "capture",
            "psp_payment_id": "stripe_large",
            "currency": "EUR",
            "gross": 100,
            "settle_currency": "USD",
            "rate": "1" * (room - 500),
            "net": 110,
            "booked_on": "2026-11-20",
        }
    )
    return [right, wrong, Outgoing(LINES, 0, b"large", line)]


async def publish(cluster: Cluster, records: list[Outgoing]) -> None:
    """One by one, with a producer that takes what the broker takes."""
    publisher = Publisher(
        cluster.bootstrap,
        client_id="hazards-damage",
        batch_bytes=BROKER_TAKES,
        record_bytes=BROKER_TAKES,
    )
    try:
        for record in records:
            await publisher.publish([record])
    finally:
        await publisher.stop()


async def outcome_of(cluster: Cluster, topic: str, record_id: str) -> tuple[str | None, str | None]:
    """The outcome that is kept, and the reason where it is a dead letter."""
    row: Any = await cluster.pool.fetchrow(OUTCOME, topic, record_id)
    return row[0], row[1]


def _payment(partition: int, merchant: str, record_id: str, email: str) -> Outgoing:
    document = {
        "type": "payment.record",
        "id": record_id,
        "merchant_id": merchant,
        "payment_id": f"pay-{record_id}",
        "amount": 700,
        "currency": "EUR",
        "psp": "stripe",
        "psp_payment_id": f"stripe_{record_id}",
        "occurred_at": "2026-11-20T08:00:00Z",
        "payer": {"email": email},
    }
    return Outgoing(COMMANDS, partition, merchant.encode(), orjson.dumps(document))
