"""The broker is killed and comes back: members, tables, publisher and reader go on by themselves."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Transient
from app.handover.table import changelog_spec
from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import ensure_topics
from app.stack.local import LocalStack
from tests.handover.conftest import Start
from tests.handover.members import Books, caught_up, member, table
from tests.support.topics import fresh_topic, numbered, numbers_in, unique

PARTITIONS = 4
TURNS = 150
pytestmark = pytest.mark.slow


async def publish_all(publisher: Publisher, topic: str, turns: int) -> None:
    """Turn after turn, each until it is acknowledged."""
    for turn in range(turns):
        records = [r for p in range(PARTITIONS) for r in numbered(topic, p, 10, start=turn * 10)]
        while True:
            try:
                await publisher.publish(records)
                break
            except Transient:
                await asyncio.sleep(0.1)
        await asyncio.sleep(0.01)


async def test_all_goes_on_after_a_kill_of_the_broker(local_stack: LocalStack, start: Start) -> None:
    kafka = local_stack.addresses.kafka_bootstrap_servers
    topic, group = await fresh_topic(kafka, "restart", PARTITIONS), unique("app")
    await ensure_topics(kafka, [changelog_spec(group, "seen", PARTITIONS)])
    books = Books()
    app = member(kafka, group, [topic], books, PARTITIONS)
    seen = table(app, "seen", PARTITIONS)
    await start(app)
    publisher = Publisher(kafka, timeout_seconds=5.0)
    load = asyncio.create_task(publish_all(publisher, topic, TURNS))
    await caught_up(books, topic, 400)

    await asyncio.to_thread(local_stack.kafka.kill)
    with pytest.raises(Transient):
        await RangeReader(kafka, timeout_seconds=1.0).read(topic, 0, 0, 10)
    await asyncio.to_thread(local_stack.up)

    await load
    ends = await app.reader.end_offsets([(topic, p) for p in range(PARTITIONS)])
    await caught_up(books, topic, sum(ends.values()), within_seconds=30.0)
    assert books.holes == []
    for partition in range(PARTITIONS):
        records, _ = await app.reader.read(topic, partition, 0, ends[topic, partition])
        assert list(dict.fromkeys(numbers_in(records))) == list(
            range(TURNS * 10)
        )  # in order, whatever came twice
    assert await seen.put_batch(0, {b"k": (1).to_bytes(8, "big")})
    await publisher.stop()
