"""Publishing: order, splitting, size limits, and what happens without a broker."""

from __future__ import annotations

import asyncio

import pytest

from app.kafka.errors import KafkaUnavailable, RecordTooLarge
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.reader import RangeReader
from tests.support.silent import silent_server
from tests.support.topics import fresh_topic, numbered, numbers_in
from tests.support.waiting import eventually, free_port


async def test_order_holds_over_many_batches(kafka: str, publisher: Publisher, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "order", 2)
    mixed = [
        r
        for pair in zip(numbered(topic, 0, 3000, size=300), numbered(topic, 1, 3000), strict=True)
        for r in pair
    ]
    await publisher.publish(mixed)  # partition 0: about 900 kB, four batches
    await publisher.publish(numbered(topic, 0, 10, start=3000))
    for partition, count in ((0, 3010), (1, 3000)):
        records, _ = await reader.read(topic, partition, 0, count)
        assert numbers_in(records) == list(range(count))


async def test_concurrent_callers_keep_their_own_order(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "callers")

    async def caller(name: int) -> None:
        for turn in range(20):
            value = b"%d %d" % (turn, name)
            await publisher.publish(
                [Outgoing(topic, 0, b"%d" % name, value), Outgoing(topic, 0, b"x", value)]
            )

    await asyncio.gather(*map(caller, range(8)))
    records, _ = await reader.read(topic, 0, 0, 320)
    assert len(records) == 320
    for name in range(8):
        mine = [int(r.value.split()[0]) for r in records if r.key == b"%d" % name]
        assert mine == list(range(20))


async def test_many_callers_do_not_starve_one_another(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    """With a batch of its own each, aiokafka's bookkeeping tells some of them a time-out that was none."""
    topic = await fresh_topic(kafka, "crowd", 4)

    async def caller(name: int) -> None:
        for turn in range(40):
            await publisher.publish(
                [Outgoing(topic, p, b"%d" % name, b"%d" % turn) for p in range(4) for _ in range(2)]
            )

    await asyncio.gather(*map(caller, range(24)))
    assert set((await reader.end_offsets([(topic, p) for p in range(4)])).values()) == {24 * 40 * 2}


async def test_tombstones_and_headers_arrive(kafka: str, publisher: Publisher, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "headers")
    headers = (("forwarded", b"1"), ("trace", b""))
    await publisher.publish([Outgoing(topic, 0, b"gone", None), Outgoing(topic, 0, None, b"v", headers)])
    (tombstone, other), _ = await reader.read(topic, 0, 0, 2)
    assert (tombstone.key, tombstone.value) == (b"gone", None)
    assert (other.key, other.value, tuple(other.headers)) == (None, b"v", headers)
    assert other.timestamp_type == 1  # the broker's append time


async def test_callers_that_share_a_batch_learn_their_offsets(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "places", 2)
    await publisher.publish(numbered(topic, 0, 5))
    sent = [Outgoing(topic, n % 2, b"k", str(n).encode()) for n in range(40)]
    offsets = await asyncio.gather(*[publisher.publish_at(record) for record in sent])
    for partition, begin in ((0, 5), (1, 0)):
        records, _ = await reader.read(topic, partition, begin, begin + 20)
        told = {offset: r.value for offset, r in zip(offsets, sent, strict=True) if r.partition == partition}
        assert {r.offset: r.value for r in records} == told


async def test_a_record_too_large_is_named_and_nothing_is_sent(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "large")
    with pytest.raises(RecordTooLarge, match=rf"{topic} with key b'big' has 1000\d+ bytes"):
        await publisher.publish([*numbered(topic, 0, 3), Outgoing(topic, 0, b"big", b"x" * 1_000_000)])
    assert await reader.end_offsets([(topic, 0)]) == {(topic, 0): 0}


async def test_a_record_just_below_the_limit_is_taken(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "nearly")
    await publisher.publish([Outgoing(topic, 0, b"k", b"x" * 999_000), *numbered(topic, 0, 2)])
    records, _ = await reader.read(topic, 0, 0, 3)
    assert [len(r.value) > 100 for r in records] == [True, False, False]


async def test_it_can_be_used_again_after_a_stop(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "again")
    await publisher.publish(numbered(topic, 0, 2))
    await publisher.stop()
    await publisher.publish(numbered(topic, 0, 2, start=2))
    records, _ = await reader.read(topic, 0, 0, 4)
    assert numbers_in(records) == [0, 1, 2, 3]


async def test_nobody_there_is_a_transient_error() -> None:
    publisher = Publisher(f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaUnavailable, match="no answer from Kafka"):
        await publisher.publish(numbered("any", 0, 1))
    await publisher.stop()


async def test_a_caller_that_gives_up_while_connecting_leaves_no_connection_behind() -> None:
    async with silent_server() as broker:
        publisher = Publisher(broker.address)
        for attempt in range(1, 4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await publisher.publish(numbered("any", 0, 1))
            assert broker.taken >= attempt
        await eventually(lambda: broker.open == 0, 10, "every connection to be closed")
        await publisher.stop()
