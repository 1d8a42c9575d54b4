"""Reading an exact range of offsets, outside of any consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from app.kafka.closing import close_quietly
from app.kafka.errors import KafkaUnavailable, OffsetOutOfRange

POLL_MS = 100
MAX_FETCH_BYTES = 2 * 1024 * 1024

Offsets = dict[tuple[str, int], int]
"""(topic, partition) -> offset."""


class _Slot:
    """A consumer and where it stands, so that reading on costs no new seek. Used by one caller at a time."""

    def __init__(self) -> None:
        self.consumer: Any = None
        self.next: tuple[str, int, int] | None = None


class RangeReader:
    """Reads [start, upto) of a partition, committed records only; safe for several callers at once.

    A call ends after `timeout_seconds` of silence with `KafkaUnavailable`: back off and call again.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str = "tallystick-reader",
        readers: int = 2,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._timeout_seconds = timeout_seconds
        self._slots = [_Slot() for _ in range(readers)]
        self._free: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()
        for slot in self._slots:
            self._free.put_nowait(slot)

    async def start(self) -> None:
        """Connects one consumer; raises `KafkaUnavailable`. Calling it is optional."""
        async with self._slot():
            pass

    async def stop(self) -> None:
        """Closes all consumers; the reader may be used again."""
        for slot in self._slots:
            await self._discard(slot)

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> Offsets:
        """(topic, partition) -> the offset after the last one that can be read (before open transactions)."""
        return await self._offsets("end_offsets", partitions)

    async def begin_offsets(self, partitions: Collection[tuple[str, int]]) -> Offsets:
        """(topic, partition) -> the first offset that the log still holds."""
        return await self._offsets("beginning_offsets", partitions)

    async def read(
        self, topic: str, partition: int, start: int, upto: int, max_records: int = 10_000
    ) -> tuple[list[Any], int]:
        """Returns (records, next_offset): all records of [start, next_offset), where next_offset <= upto.

        `next_offset` is beyond the last record where the log holds offsets without records (transaction
        markers, aborted or compacted records). Fewer than `upto` come when `max_records` is reached.
        Raises `OffsetOutOfRange` when the log does not hold `start`.
        """
        if start >= upto:
            return [], start
        async with self._slot() as slot:
            try:
                return await self._read(slot, TopicPartition(topic, partition), start, upto, max_records)
            except OffsetOutOfRangeError as error:
                raise await self._out_of_range(slot, topic, partition, start) from error

    async def _read(
        self, slot: _Slot, tp: TopicPartition, start: int, upto: int, max_records: int
    ) -> tuple[list[Any], int]:
        consumer, position = slot.consumer, start
        records: list[Any] = []
        self._go_to(slot, tp, start)
        slot.next = None  # where it stands is known only after this ended well
        deadline = self._deadline()
        while position < upto and len(records) < max_records:
            room = max_records - len(records)
            fetched = await consumer.getmany(tp, timeout_ms=POLL_MS, max_records=room)
            records += fetched.get(tp, ())
            moved = await consumer.position(tp)
            if moved > position:
                position, deadline = moved, self._deadline()
            elif asyncio.get_running_loop().time() > deadline:
                await self._explain_silence(slot, tp, position, upto)
        slot.next = (tp.topic, tp.partition, position)
        while records and records[-1].offset >= upto:
            records.pop()
        return records, min(position, upto)

    def _go_to(self, slot: _Slot, tp: TopicPartition, start: int) -> None:
        if slot.next != (tp.topic, tp.partition, start):
            slot.consumer.assign([tp])
            slot.consumer.seek(tp, start)  # at once, or it would ask for a committed offset

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._timeout_seconds

    async def _explain_silence(self, slot: _Slot, tp: TopicPartition, position: int, upto: int) -> None:
        """A restarted broker may know a lower end for a moment: that is no reason to halt a partition."""
        end = (await slot.consumer.end_offsets([tp]))[tp]
        where = f"{tp.topic}:{tp.partition} at offset {position} of {upto}"
        raise KafkaUnavailable(f"{where} gave nothing for {self._timeout_seconds} s; the log ends at {end}")

    async def _out_of_range(self, slot: _Slot, topic: str, partition: int, wanted: int) -> OffsetOutOfRange:
        tp = TopicPartition(topic, partition)
        begin = (await slot.consumer.beginning_offsets([tp]))[tp]
        end = (await slot.consumer.end_offsets([tp]))[tp]
        return OffsetOutOfRange(topic, partition, wanted, begin, end)

    async def _offsets(self, which: str, partitions: Collection[tuple[str, int]]) -> Offsets:
        if not partitions:
            return {}
        async with self._slot() as slot:
            asked = [TopicPartition(topic, partition) for topic, partition in partitions]
            async with asyncio.timeout(self._timeout_seconds):  # wait_for may swallow a cancellation
                found: Mapping[Any, int] = await getattr(slot.consumer, which)(asked)
            return dict(found)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[_Slot]:
        """A connected consumer for one caller. After any trouble the consumer is replaced by a new one."""
        slot = await self._free.get()
        try:
            if slot.consumer is None:
                slot.consumer = await self._connected()
            yield slot
        except OffsetOutOfRange:
            slot.next = None
            raise
        except (KafkaError, TimeoutError) as error:
            await self._discard(slot)
            raise KafkaUnavailable(f"no answer from Kafka at {self._bootstrap}: {error!r}") from error
        except BaseException:
            await self._discard(slot)
            raise
        finally:
            self._free.put_nowait(slot)

    async def _connected(self) -> Any:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_FETCH_BYTES,
            fetch_max_wait_ms=POLL_MS,
            request_timeout_ms=int(self._timeout_seconds * 1000),
            metadata_max_age_ms=60_000,
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await consumer.start()
        except BaseException:
            await close_quietly(consumer.stop())
            raise
        return consumer

    async def _discard(self, slot: _Slot) -> None:
        consumer, slot.consumer, slot.next = slot.consumer, None, None
        if consumer is not None:
            await close_quietly(consumer.stop())
