"""Whole fetches reach the agents: as one item, bounded, one per partition, many partitions at once."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer

from app.handover.batch import Batch
from app.kafka.publisher import Publisher
from tests.handover.conftest import Start
from tests.handover.members import Books, caught_up, member
from tests.support.topics import fresh_topic, numbered, numbers_in, unique
from tests.support.waiting import eventually


async def test_a_whole_fetch_is_one_item(kafka: str, publisher: Publisher, start: Start) -> None:
    topic = await fresh_topic(kafka, "whole")
    await publisher.publish(numbered(topic, 0, 1500))
    books = Books()
    await start(member(kafka, unique("app"), [topic], books, 1))
    await caught_up(books, topic, 1500)
    (batch,) = books.batches
    assert numbers_in(batch.records) == list(range(1500))
    assert (batch.first_offset, batch.last_offset, len(batch)) == (0, 1499, 1500)
    assert batch.generation == 1


async def test_a_batch_is_bounded_and_the_rest_follows(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "bounded")
    await publisher.publish(numbered(topic, 0, 1050))
    books = Books()
    await start(member(kafka, unique("app"), [topic], books, 1, max_records=100))
    await caught_up(books, topic, 1050)
    assert [len(batch) for batch in books.batches] == [100] * 10 + [50]
    assert (books.holes, books.repeated) == ([], [])


async def test_several_batch_topics_beside_each_other(kafka: str, publisher: Publisher, start: Start) -> None:
    topics = [await fresh_topic(kafka, name, 8) for name in ("payments", "matching", "settlements")]
    books = Books()
    app = await start(member(kafka, unique("app"), topics, books, 8))
    assert {(tp.topic, tp.partition) for tp in app.owned} == {(t, p) for t in topics for p in range(8)}
    for turn in range(5):
        await publisher.publish(
            [r for t in topics for p in range(8) for r in numbered(t, p, 50, start=50 * turn)]
        )
    for topic in topics:
        await caught_up(books, topic, 2000)
    assert (books.holes, books.repeated) == ([], [])
    assert {batch.topic for batch in books.batches} == set(topics)


async def test_a_slow_partition_holds_up_no_other(kafka: str, publisher: Publisher, start: Start) -> None:
    topic = await fresh_topic(kafka, "slow", 8)
    go_on = asyncio.Event()

    async def slow_in_partition_0(batch: Batch) -> None:
        if batch.partition == 0:
            await go_on.wait()

    books = Books(slow_in_partition_0)
    await start(member(kafka, unique("app"), [topic], books, 8, max_records=100))
    for turn in range(10):
        await publisher.publish([r for p in range(8) for r in numbered(topic, p, 100, start=100 * turn)])
    await caught_up(books, topic, 7 * 1000)
    assert 0 not in {batch.partition for batch in books.batches}
    go_on.set()
    await caught_up(books, topic, 8 * 1000)
    assert (books.holes, books.repeated) == ([], [])


async def test_a_partition_has_one_batch_in_hand(kafka: str, publisher: Publisher, start: Start) -> None:
    """The next one stays in the fetcher, and comes as soon as the agent is through."""
    topic = await fresh_topic(kafka, "one", 4)
    enough = asyncio.Event()
    seen: list[Batch] = []

    async def hold(batch: Batch) -> None:
        seen.append(batch)
        await enough.wait()

    books = Books(hold)
    app = await start(member(kafka, unique("app"), [topic], books, 4, max_records=10))
    await publisher.publish([r for p in range(4) for r in numbered(topic, p, 100)])
    await eventually(lambda: len(seen) == 4, 5.0, "a batch of each partition")
    await publisher.publish([r for p in range(4) for r in numbered(topic, p, 100, start=100)])
    polls = app.consumer._next_poll_at
    await eventually(lambda: app.consumer._next_poll_at > polls + 1.0, 5.0, "two more polls")
    assert sorted(batch.partition for batch in seen) == [0, 1, 2, 3]  # all four at once, and no second one
    enough.set()
    await caught_up(books, topic, 800)
    assert books.most_at_work == 4
    assert (books.holes, books.repeated) == ([], [])


async def test_a_freed_partition_is_taken_from_at_once(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    """Without waiting for a poll to time out: 100 batches in a row of what is fetched already."""
    topic = await fresh_topic(kafka, "freed", 2)
    books = Books()
    app = member(kafka, unique("app"), [topic], books, 2, max_records=10, poll_seconds=0.0)
    await publisher.publish(numbered(topic, 0, 1000))
    await start(app)
    began = asyncio.get_running_loop().time()
    await caught_up(books, topic, 1000)
    assert asyncio.get_running_loop().time() - began < 5.0  # a poll's time-out each would be 50 s


async def test_a_held_partition_is_left_out_until_released(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic = await fresh_topic(kafka, "held", 2)
    books = Books()
    app = await start(member(kafka, unique("app"), [topic], books, 2))
    held = next(tp for tp in app.owned if tp.partition == 0)
    app.hold(held)
    await publisher.publish([r for p in range(2) for r in numbered(topic, p, 50)])
    await caught_up(books, topic, 50)
    assert {batch.partition for batch in books.batches} == {1}
    await app.release(held)
    await caught_up(books, topic, 100)
    assert (books.holes, books.repeated) == ([], [])


async def test_uncommitted_and_aborted_records_are_not_handed_over(kafka: str, start: Start) -> None:
    topic = await fresh_topic(kafka, "transactions")
    books = Books()
    await start(member(kafka, unique("app"), [topic], books, 1))
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique("tx"))
    await producer.start()
    try:
        for number, commit in ((0, True), (1, False), (2, True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"%d " % number, partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()
    await caught_up(books, topic, 5)
    assert [n for batch in books.batches for n in numbers_in(batch.records)] == [0, 2]


async def test_a_topic_that_is_no_batch_topic_comes_record_by_record(
    kafka: str, publisher: Publisher, start: Start
) -> None:
    topic, other = await fresh_topic(kafka, "batched"), await fresh_topic(kafka, "single")
    books = Books()
    app = member(kafka, unique("app"), [topic], books, 1)
    values: list[bytes] = []

    @app.agent(app.topic(other, key_type=bytes, value_type=bytes), name="single")
    async def single(stream):  # type: ignore[no-untyped-def]
        async for value in stream:
            values.append(value)  # noqa: PERF401 - the stream never ends

    await publisher.publish(numbered(topic, 0, 20) + numbered(other, 0, 20))
    await start(app)
    await caught_up(books, topic, 20)
    await eventually(lambda: len(values) == 20, 5.0, "20 single records")
    assert values == [b"%d " % n for n in range(20)]
