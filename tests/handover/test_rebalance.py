"""After every rebalance records start at the given positions: no hole, no repetition, under load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from app.errors import Transient
from app.handover.batch import Batch
from app.kafka.publisher import Publisher
from tests.handover.conftest import Start
from tests.handover.members import Books, caught_up, member
from tests.support.topics import fresh_topic, numbered, unique
from tests.support.waiting import eventually

PARTITIONS = 8
JOINS = 3


class Load:
    """Publishes to all partitions until stopped; `sent` counts what was acknowledged, per topic."""

    def __init__(self, publisher: Publisher, topics: Collection[str]) -> None:
        self.sent = 0
        self._publisher, self._topics, self._stopping = publisher, topics, False

    async def run(self) -> None:
        while not self._stopping:
            start = self.sent // PARTITIONS
            await self._publisher.publish(
                [r for t in self._topics for p in range(PARTITIONS) for r in numbered(t, p, 10, start=start)]
            )
            self.sent += PARTITIONS * 10
            await asyncio.sleep(0.01)

    async def more(self, count: int) -> None:
        enough = self.sent + count
        await eventually(lambda: self.sent > enough, 10.0, "more load")

    def stop(self) -> None:
        self._stopping = True


@asynccontextmanager
async def load_on(publisher: Publisher, topics: Collection[str]) -> AsyncIterator[Load]:
    load = Load(publisher, topics)
    task = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        load.stop()
        await task


async def test_members_join_and_leave_under_load(kafka: str, publisher: Publisher, start: Start) -> None:
    topics = [await fresh_topic(kafka, name, PARTITIONS) for name in ("join-a", "join-b")]
    group, books = unique("app"), Books()
    stayer = await start(member(kafka, group, topics, books, PARTITIONS))
    async with load_on(publisher, topics) as load:
        for _ in range(JOINS):
            guest = await start(member(kafka, group, topics, books, PARTITIONS))
            await eventually(lambda: len(stayer.owned) == PARTITIONS, 10.0, "half of the partitions each")
            assert not stayer.owned & guest.owned
            await load.more(500)
            await guest.stop()
            await eventually(lambda: len(stayer.owned) == 2 * PARTITIONS, 15.0, "all partitions back")
    for topic in topics:
        await caught_up(books, topic, load.sent)
    assert (books.holes, books.repeated) == ([], [])


async def test_the_groups_offsets_do_not_matter(kafka: str, publisher: Publisher, start: Start) -> None:
    topic = await fresh_topic(kafka, "forced", 4)
    await publisher.publish([r for p in range(4) for r in numbered(topic, p, 100)])
    group, books = unique("app"), Books()
    books.next = {TP(topic, 0): 0, TP(topic, 1): 30, TP(topic, 2): 100}  # nothing known of partition 3
    await force_group_offsets(kafka, group, topic, {0: 100, 1: 0, 2: 50, 3: 100})
    await start(member(kafka, group, [topic], books, 4))
    await caught_up(books, topic, 400)
    first = {p: min(b.first_offset for b in books.batches if b.partition == p) for p in (0, 1, 3)}
    assert first == {0: 0, 1: 30, 3: 0}
    assert (books.holes, books.repeated) == ([], [])


async def force_group_offsets(kafka: str, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        tps = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
        consumer.assign(list(tps))
        await consumer.commit({tp: OffsetAndMetadata(offset, "") for tp, offset in tps.items()})
    finally:
        await consumer.stop()


async def test_a_position_outside_of_the_log_holds_only_its_partition(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "outside", 2)
    await publisher.publish([r for p in range(2) for r in numbered(topic, p, 20)])
    books, told = Books(), []
    books.next = {TP(topic, 0): 5000}

    def out_of_range(*facts: object) -> None:
        told.append(facts)

    app = await start(member(kafka, unique("app"), [topic], books, 2, on_out_of_range=out_of_range))
    await eventually(lambda: books.next.get(TP(topic, 1)) == 20, 10.0, "the other partition")
    assert told == [(TP(topic, 0), 5000, 0, 20)]
    assert app.held == {TP(topic, 0)}
    assert {batch.partition for batch in books.batches} == {1}


async def test_it_waits_for_positions_that_cannot_be_had(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "waits")
    await publisher.publish(numbered(topic, 0, 10))
    books, failures = Books(), [Transient("database away"), OSError("connection reset"), TimeoutError()]

    async def positions(tps: Collection[TP]) -> Mapping[TP, int]:
        if failures:
            raise failures.pop()
        return await books.positions(tps)

    await start(member(kafka, unique("app"), [topic], books, 1, positions=positions))
    await caught_up(books, topic, 10)
    assert failures == []


async def test_hooks_tell_what_came_and_went(kafka: str, start: Start) -> None:
    topic = await fresh_topic(kafka, "hooks", 2)
    group, books, told = unique("app"), Books(), []
    hooks = {
        "on_assigned": lambda owned: told.append(("owned", len(owned))),
        "on_revoked": lambda lost: told.append(("lost", len(lost))),
    }
    await start(member(kafka, group, [topic], books, 2, **hooks))
    assert told == [("owned", 2)]
    guest = await start(member(kafka, group, [topic], books, 2))
    await eventually(lambda: told[1:] == [("lost", 1), ("owned", 1)], 10.0, "the loss of one")
    await guest.stop()
    await eventually(lambda: told[3:] == [("owned", 2)], 10.0, "its return")


async def test_a_static_member_comes_back_without_a_rebalance(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "static", 4)
    group, books = unique("app"), Books()
    stayer = await start(member(kafka, group, [topic], books, 4, instance_id="one"))
    guest = await start(member(kafka, group, [topic], books, 4, instance_id="two"))
    await eventually(lambda: len(stayer.owned) == 2, 10.0, "half of the partitions each")
    generation, before = stayer.consumer_generation_id, guest.owned
    await guest.stop()
    await publisher.publish([r for p in range(4) for r in numbered(topic, p, 10)])
    guest = await start(member(kafka, group, [topic], books, 4, instance_id="two"))
    await caught_up(books, topic, 40)
    assert guest.owned == before
    assert stayer.consumer_generation_id == guest.consumer_generation_id == generation
    assert (books.holes, books.repeated) == ([], [])


async def test_a_rebalance_waits_for_work_in_hand_but_not_for_ever(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "stuck", 2)
    for_ever = asyncio.Event()
    begun: list[Batch] = []

    async def stuck(batch: Batch) -> None:
        begun.append(batch)
        await for_ever.wait()

    group, books = unique("app"), Books(stuck)
    stayer = await start(member(kafka, group, [topic], books, 2, drain_seconds=1.0))
    await publisher.publish(numbered(topic, 0, 10))
    await eventually(lambda: len(begun) == 1, 5.0, "the batch that gets stuck")
    guest = await start(member(kafka, group, [topic], books, 2))
    await eventually(lambda: len(stayer.owned) == len(guest.owned) == 1, 10.0, "one partition each")
    for_ever.set()
    await caught_up(books, topic, 10)
    assert books.holes == []
