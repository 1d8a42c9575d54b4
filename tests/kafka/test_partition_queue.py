"""The queue of one partition, over batches of two records that answer when told to."""

from __future__ import annotations

import asyncio

import pytest

from app.kafka.outgoing import Outgoing
from app.kafka.partition_queue import PartitionQueue

CAPACITY = 2


class FakeBatch:
    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def append(
        self, *, timestamp: None, key: bytes | None, value: bytes | None, headers: list[object]
    ) -> object:
        if len(self.values) == CAPACITY:
            return None
        self.values.append(value)
        return self


class Wire:
    """Batches in the order of their sending; each waits for its answer, None or an error."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.answers: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.queue = PartitionQueue(self.new_batch, self.send)

    async def new_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send(self, batch: FakeBatch) -> int:
        first = 100 + len(b"".join(self.sent))
        self.sent.append(b"".join(filter(None, batch.values)))
        answer = await self.answers.get()
        if answer is not None:
            raise answer
        return first

    def put(self, text: str) -> asyncio.Future[int]:
        return self.queue.put([Outgoing("t", 0, None, letter.encode()) for letter in text])

    async def answer(self, *answers: Exception | None) -> None:
        for answer in answers:
            self.answers.put_nowait(answer)
        for _ in range(10 * (len(answers) + 1)):  # turns of the loop, not time
            await asyncio.sleep(0)


async def test_one_batch_is_under_way_and_the_next_gathers_from_all_callers() -> None:
    wire = Wire()
    first = wire.put("a")
    await wire.answer()
    second, third = wire.put("b"), wire.put("c")
    await wire.answer()
    assert wire.sent == [b"a"]
    assert not first.done()
    await wire.answer(None)
    assert first.done()
    assert wire.sent == [b"a", b"bc"]
    await wire.answer(None)
    assert [done.result() for done in (first, second, third)] == [100, 101, 102]


async def test_a_call_that_needs_several_batches_is_done_with_the_last() -> None:
    wire = Wire()
    long, short = wire.put("abcde"), wire.put("f")
    await wire.answer(None, None)
    assert wire.sent == [b"ab", b"cd", b"ef"]
    assert not long.done()
    await wire.answer(None)
    assert (long.result(), short.result()) == (104, 105)


async def test_after_a_failure_the_rest_of_the_call_is_not_sent() -> None:
    wire = Wire()
    failing, other = wire.put("abc"), wire.put("de")
    await wire.answer(TimeoutError("no answer"))
    with pytest.raises(TimeoutError, match="no answer"):
        failing.result()
    assert wire.sent == [b"ab", b"de"]
    await wire.answer(None)
    assert other.done()
    again = wire.put("abc")
    await wire.answer(None, None)
    assert wire.sent == [b"ab", b"de", b"ab", b"c"]
    assert again.done()


async def test_all_calls_in_a_failed_batch_are_told() -> None:
    wire = Wire()
    one, two, three = wire.put("a"), wire.put("b"), wire.put("c")
    await wire.answer(TimeoutError())
    assert isinstance(one.exception(), TimeoutError)
    assert isinstance(two.exception(), TimeoutError)
    await wire.answer(None)
    assert three.done()
    assert three.exception() is None


async def test_a_caller_that_gave_up_is_not_sent() -> None:
    wire = Wire()
    wire.put("a")
    await wire.answer()
    leaving, staying = wire.put("bcd"), wire.put("e")
    leaving.cancel()
    await wire.answer(None, None)
    assert wire.sent == [b"a", b"e"]
    assert staying.done()
