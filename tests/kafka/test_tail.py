"""Following a topic: from its end, from a position, and what is said when it cannot be followed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.kafka.errors import KafkaUnavailable, OffsetOutOfRange
from app.kafka.publisher import Publisher
from app.kafka.tail import LogTail, out_of_range
from tests.kafka.test_reader import delete_before
from tests.support.topics import fresh_topic, numbered, numbers_in, unique
from tests.support.waiting import free_port


@asynccontextmanager
async def tail_of(kafka: str, topic: str) -> AsyncIterator[LogTail]:
    tail = LogTail(kafka, topic, client_id="tests")
    try:
        yield tail
    finally:
        await tail.stop()


async def polled(tail: LogTail, count: int) -> list[int]:
    numbers: list[int] = []
    while len(numbers) < count:
        numbers += numbers_in(await tail.poll())
    return numbers


async def test_it_begins_at_the_end_and_goes_on_where_it_stood(kafka: str, publisher: Publisher) -> None:
    topic = await fresh_topic(kafka, "tail", partitions=2)
    await publisher.publish(numbered(topic, 0, 3))
    async with tail_of(kafka, topic) as tail:
        stands = await tail.begin(None)
        assert stands == (3, 0)
        await publisher.publish(numbered(topic, 0, 3, start=3))
        assert await polled(tail, 3) == [3, 4, 5]
        assert await tail.begin((4, 0)) == (4, 0)
        assert await polled(tail, 2) == [4, 5]
        records, upto = await tail.read(0, 1, 5, 100)
        assert (numbers_in(records), upto) == ([1, 2, 3, 4], 5)
        assert await tail.bounds() == ((0, 0), (6, 0))


async def test_it_follows_some_partitions_only(kafka: str, publisher: Publisher) -> None:
    """Positions are theirs, in their order."""
    topic = await fresh_topic(kafka, "tail", partitions=3)
    for partition in range(3):
        await publisher.publish(numbered(topic, partition, 3, start=10 * partition))
    tail = LogTail(kafka, topic, client_id="tests", partitions=[2, 0])
    try:
        with pytest.raises(OffsetOutOfRange, match=f"{topic}:0 no longer holds offset 4"):
            await tail.begin((3, 4))
        assert await tail.begin((1, 2)) == (1, 2)
        assert sorted(await polled(tail, 3)) == [2, 21, 22]
        assert await tail.bounds() == ((0, 0), (3, 3))
    finally:
        await tail.stop()


async def test_a_topic_that_is_not_there_yet_is_waited_for(kafka: str, publisher: Publisher) -> None:
    async with tail_of(kafka, unique("none")) as tail:
        with pytest.raises(KafkaUnavailable, match="no topic"):
            await tail.begin(None)


async def test_no_broker() -> None:
    async with tail_of(f"127.0.0.1:{free_port()}", "t") as tail:
        with pytest.raises(KafkaUnavailable):
            await tail.begin(None)


@pytest.mark.parametrize("positions", [(0,), (7,), (), (3, 0)])
async def test_what_the_log_does_not_hold_is_refused(
    kafka: str, publisher: Publisher, positions: tuple[int, ...]
) -> None:
    topic = await fresh_topic(kafka, "tail")
    await publisher.publish(numbered(topic, 0, 6))
    await delete_before(kafka, topic, 2)
    async with tail_of(kafka, topic) as tail:
        with pytest.raises(OffsetOutOfRange):
            await tail.begin(positions)
        assert await tail.begin((2,)) == (2,)


def test_both_ends_are_in_range() -> None:
    assert out_of_range((2, 5), (2, 0), (2, 5)) is None
    assert out_of_range((1, 5), (2, 0), (2, 5)) == 0
    assert out_of_range((2, 6), (2, 0), (2, 5)) == 1
    assert out_of_range((2,), (2, 0), (2, 5)) == 1
