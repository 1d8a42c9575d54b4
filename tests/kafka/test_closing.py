"""A client that is given up takes nobody with it."""

from __future__ import annotations

import asyncio

import pytest

from app.kafka.closing import close_quietly
from app.kafka.errors import KafkaUnavailable
from app.kafka.reader import RangeReader


class Stopping:
    """Ends as aiokafka's consumer may: cancelled by itself, with an error, or not at all."""

    def __init__(self, how: BaseException | None) -> None:
        self.how = how
        self.stopped = 0

    async def stop(self) -> None:
        self.stopped += 1
        if self.how is None:
            await asyncio.Event().wait()
        else:
            raise self.how

    async def end_offsets(self, partitions: object) -> None:
        raise TimeoutError


@pytest.mark.parametrize("how", [asyncio.CancelledError(), OSError("reset"), None], ids=repr)
async def test_whatever_becomes_of_a_stop_its_caller_goes_on(how: BaseException | None) -> None:
    await close_quietly(Stopping(how).stop(), within_seconds=0.05)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_caller_that_is_cancelled_itself_is_told() -> None:
    waiting = asyncio.create_task(close_quietly(Stopping(None).stop()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_reader_whose_consumer_stops_cancelled_says_that_kafka_is_away() -> None:
    """A watchdog and a recovery took that for their own cancellation, and never looked again."""
    reader = RangeReader("127.0.0.1:1", readers=1)
    reader._slots[0].consumer = consumer = Stopping(asyncio.CancelledError())
    with pytest.raises(KafkaUnavailable):
        await reader.end_offsets([("any", 0)])
    assert consumer.stopped == 1
