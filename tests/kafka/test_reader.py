"""Reading ranges: markers, aborted records, cut logs, limits, several callers."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from app.kafka.errors import KafkaUnavailable, OffsetOutOfRange
from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader
from tests.support.topics import fresh_topic, numbered, numbers_in, unique
from tests.support.waiting import free_port


async def write_transactions(kafka: str, topic: str) -> None:
    """0 1 2, marker at 3, then aborted 4 5 with marker at 6, then 7 8 with marker at 9."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=unique("tx"))
    await producer.start()
    try:
        for numbers, commit in (((0, 1, 2), True), ((4, 5), False), ((7, 8), True)):
            await producer.begin_transaction()
            for number in numbers:
                await producer.send_and_wait(topic, b"%d " % number, partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


async def delete_before(kafka: str, topic: str, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_markers_and_aborted_records_are_covered(kafka: str, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "markers")
    await write_transactions(kafka, topic)
    assert await reader.end_offsets([(topic, 0)]) == {(topic, 0): 10}
    records, position = await reader.read(topic, 0, 0, 10)
    assert ([r.offset for r in records], numbers_in(records), position) == (
        [0, 1, 2, 7, 8],
        [0, 1, 2, 7, 8],
        10,
    )


@pytest.mark.parametrize(("start", "upto"), [(3, 7), (4, 5), (6, 7), (9, 10), (3, 4)])
async def test_a_range_without_records_is_covered_too(
    kafka: str, reader: RangeReader, start: int, upto: int
) -> None:
    topic = await fresh_topic(kafka, "empty")
    await write_transactions(kafka, topic)
    assert await reader.read(topic, 0, start, upto) == ([], upto)


async def test_a_read_ends_at_its_limits(kafka: str, publisher: Publisher, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "limits")
    await publisher.publish(numbered(topic, 0, 100))
    records, position = await reader.read(topic, 0, 10, 50)
    assert (numbers_in(records), position) == (list(range(10, 50)), 50)
    records, position = await reader.read(topic, 0, 50, 100, max_records=7)
    assert (numbers_in(records), position) == (list(range(50, 57)), 57)
    records, position = await reader.read(topic, 0, 57, 100)  # goes on where it stood
    assert (numbers_in(records), position) == (list(range(57, 100)), 100)
    assert await reader.read(topic, 0, 100, 100) == ([], 100)


async def test_a_cut_log_is_loud(kafka: str, publisher: Publisher, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "cut")
    await publisher.publish(numbered(topic, 0, 100))
    await delete_before(kafka, topic, 60)
    assert await reader.begin_offsets([(topic, 0)]) == {(topic, 0): 60}
    with pytest.raises(OffsetOutOfRange, match=r"no longer holds offset 30: its log covers \[60, 100\)"):
        await reader.read(topic, 0, 30, 100)
    records, _ = await reader.read(topic, 0, 60, 100)
    assert numbers_in(records) == list(range(60, 100))


async def test_a_lost_log_is_loud(kafka: str, publisher: Publisher, reader: RangeReader) -> None:
    topic = await fresh_topic(kafka, "lost")
    await publisher.publish(numbered(topic, 0, 5))
    with pytest.raises(OffsetOutOfRange, match=r"offset 40: its log covers \[0, 5\)"):
        await reader.read(topic, 0, 40, 50)


async def test_what_has_not_come_is_transient(kafka: str, publisher: Publisher) -> None:
    topic = await fresh_topic(kafka, "later")
    await publisher.publish(numbered(topic, 0, 5))
    reader = RangeReader(kafka, timeout_seconds=1.0)
    with pytest.raises(KafkaUnavailable, match=r"gave nothing for 1\.0 s; the log ends at 5"):
        await reader.read(topic, 0, 0, 6)
    records, _ = await reader.read(topic, 0, 0, 5)  # and it is usable after that
    assert numbers_in(records) == list(range(5))
    await reader.stop()


async def test_many_callers_share_a_few_consumers(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "shared", 8)
    for partition in range(8):
        await publisher.publish(numbered(topic, partition, 200, start=partition * 1000))

    async def caller(partition: int) -> list[int]:
        found, position = [], 0
        while position < 200:
            records, position = await reader.read(topic, partition, position, 200, max_records=70)
            found += numbers_in(records)
        return found

    for partition, found in enumerate(await asyncio.gather(*map(caller, range(8)))):
        assert found == list(range(partition * 1000, partition * 1000 + 200))


async def test_a_cancelled_caller_leaves_the_reader_usable(
    kafka: str, publisher: Publisher, reader: RangeReader
) -> None:
    topic = await fresh_topic(kafka, "cancelled")
    await publisher.publish(numbered(topic, 0, 5))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(topic, 0, 0, 50), 0.05)
    assert numbers_in((await reader.read(topic, 0, 0, 5))[0]) == list(range(5))


async def test_nobody_there_is_transient() -> None:
    reader = RangeReader(f"127.0.0.1:{free_port()}", timeout_seconds=1.0)
    with pytest.raises(KafkaUnavailable, match="no answer from Kafka"):
        await reader.end_offsets([("any", 0)])
