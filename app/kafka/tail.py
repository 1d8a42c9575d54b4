"""Following one topic as it grows, outside of any consumer group: for processes that all see every record."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from app.kafka.closing import close_quietly
from app.kafka.errors import KafkaUnavailable, OffsetOutOfRange
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import count_partitions

POLL_MS = 1_000
CHECK_SECONDS = 1.0
SILENT_CHECKS = 3
"""So often in a row a check may find records that were not delivered, before the connection is made anew."""

Positions = tuple[int, ...]
"""Per partition, the offset of the next record."""


class LogTail:
    """`begin` connects, `poll` waits for records. After any error, `begin` again where the caller stands."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        *,
        client_id: str,
        timeout_seconds: float = 4.0,
        partitions: Collection[int] = (),
        fetch_min_bytes: int = 1,
    ) -> None:
        """`partitions`: follow these only, and have all positions in their order; none: all there are.

        `fetch_min_bytes`: for so many the broker waits, half a second at most: latency against CPU.
        """
        self._fetch_min_bytes = fetch_min_bytes
        self._bootstrap, self._topic, self._client_id = bootstrap, topic, client_id
        self._timeout_seconds = timeout_seconds
        self._ranges = RangeReader(bootstrap, client_id=client_id, timeout_seconds=timeout_seconds)
        self._partitions = [TopicPartition(topic, number) for number in partitions]
        self._consumer: Any = None
        self._checked = 0.0
        self._behind = 0

    async def begin(self, positions: Positions | None) -> Positions:
        """Stand at `positions`, None: at the ends; returns where that is.

        Raises `KafkaUnavailable`, also while there is no such topic; `OffsetOutOfRange` where the log does
        not hold the positions.
        """
        await self._discard()
        begins, ends = await self.bounds()
        start = ends if positions is None else positions
        self._require(start, begins, ends)
        try:
            consumer = await self._connected()
            consumer.assign(self._partitions)
            for partition, offset in zip(self._partitions, start, strict=True):
                consumer.seek(partition, offset)
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"no answer from Kafka at {self._bootstrap}: {error!r}") from error
        self._consumer, self._behind = consumer, 0
        return start

    async def poll(self) -> list[Any]:
        """Records that came, in order within a partition; none after a second of silence."""
        loop = asyncio.get_running_loop()
        try:
            found = await self._consumer.getmany(timeout_ms=POLL_MS)
            if loop.time() - self._checked > CHECK_SECONDS:
                await self._check(bool(found))
                self._checked = loop.time()
        except OffsetOutOfRangeError as error:
            raise OffsetOutOfRange(self._topic, -1, -1, -1, -1) from error
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"no answer from Kafka at {self._bootstrap}: {error!r}") from error
        return [record for records in found.values() for record in records]

    async def _check(self, moving: bool) -> None:
        """A consumer whose broker is away is silent like one without news: ask."""
        async with asyncio.timeout(self._timeout_seconds):
            ends = await self._consumer.end_offsets(self._partitions)
            stands = [await self._consumer.position(partition) for partition in self._partitions]
        behind = any(ends[partition] > at for partition, at in zip(self._partitions, stands, strict=True))
        self._behind = self._behind + 1 if behind and not moving else 0
        if self._behind >= SILENT_CHECKS:
            raise KafkaUnavailable(f"{self._topic} has records that are not delivered")

    async def read(self, partition: int, start: int, upto: int, max_records: int) -> tuple[list[Any], int]:
        """(records, next offset) of [start, upto): see `RangeReader.read`."""
        return await self._ranges.read(self._topic, partition, start, upto, max_records)

    async def bounds(self) -> tuple[Positions, Positions]:
        """(first offsets, offsets after the last) that the log holds. Raises `KafkaUnavailable`."""
        if not self._partitions:
            count = await count_partitions(self._bootstrap, self._topic, self._timeout_seconds)
            if not count:
                raise KafkaUnavailable(f"there is no topic {self._topic} yet")
            self._partitions = [TopicPartition(self._topic, number) for number in range(count)]
        asked = [(self._topic, partition.partition) for partition in self._partitions]
        begins, ends = await self._ranges.begin_offsets(asked), await self._ranges.end_offsets(asked)
        return tuple(begins[one] for one in asked), tuple(ends[one] for one in asked)

    async def stop(self) -> None:
        await self._discard()
        await self._ranges.stop()

    def _require(self, wanted: Positions, begins: Positions, ends: Positions) -> None:
        missing = out_of_range(wanted, begins, ends)
        if missing is not None:
            at = min(missing, len(begins) - 1)
            offset = wanted[missing] if missing < len(wanted) else -1
            partition = self._partitions[at].partition
            raise OffsetOutOfRange(self._topic, partition, offset, begins[at], ends[at])

    async def _connected(self) -> Any:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=POLL_MS // 2,
            fetch_min_bytes=self._fetch_min_bytes,
            request_timeout_ms=int(self._timeout_seconds * 1000),
            retry_backoff_ms=100,
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await consumer.start()
        except BaseException:
            await close_quietly(consumer.stop())
            raise
        return consumer

    async def _discard(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_quietly(consumer.stop())


def out_of_range(wanted: Sequence[int], begins: Positions, ends: Positions) -> int | None:
    """The first partition whose wanted offset the log does not hold; None where it holds all."""
    if len(wanted) != len(begins):
        return min(len(wanted), len(begins))
    for partition, offset in enumerate(wanted):
        if not begins[partition] <= offset <= ends[partition]:
            return partition
    return None
