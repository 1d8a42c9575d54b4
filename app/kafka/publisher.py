"""Publishing whole record batches: nothing per record is awaited, scheduled or logged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, RequestTimedOutError

from app.kafka.closing import close_quietly
from app.kafka.errors import KafkaUnavailable, PublishFailed, RecordTooLarge
from app.kafka.outgoing import Outgoing
from app.kafka.partition_queue import PartitionQueue

__all__ = ["Outgoing", "Publisher"]

BATCH_BYTES = 256 * 1024
RECORD_BYTES = 1_000_000
"""Below the broker's default `message.max.bytes` (1,048,588), which counts the batch's header too."""

_SURVIVABLE = (KafkaTimeoutError, RequestTimedOutError, KafkaConnectionError, TimeoutError)


def check_size(record: Outgoing, limit: int = RECORD_BYTES) -> None:
    """Raises RecordTooLarge for a record that a `Publisher` with this limit would refuse."""
    suspect = len(record.value or b"") * 2 > limit or len(record.headers) > 1  # nearly none is
    if suspect and record.size > limit:
        raise RecordTooLarge(record.topic, record.key, record.size, limit)


class Publisher:
    """One idempotent producer with acks=all. Safe for several callers at once, who share record batches.

    Records of one caller that awaits between calls keep their order within a partition, also after a failure:
    one batch per partition is under way at a time. A call that failed may have been stored in part or arrive
    later, so the same records published again come after it, never before. A partition that is away delays
    only the calls that have records for it.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str = "tallystick-publisher",
        batch_bytes: int = BATCH_BYTES,
        record_bytes: int = RECORD_BYTES,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._batch_bytes = batch_bytes
        self._record_bytes = record_bytes
        self._timeout_seconds = timeout_seconds
        self._producer: Any = None
        self._changing = asyncio.Lock()
        self._queues: dict[tuple[str, int], PartitionQueue] = {}

    async def start(self) -> None:
        """Connects; raises `KafkaUnavailable` when no broker answers. Does nothing when started."""
        await self._connected()

    async def stop(self) -> None:
        """Sends what is under way, at most for a few seconds, and closes. Does nothing when stopped."""
        async with self._changing:
            producer, self._producer = self._producer, None
            if producer is not None:
                await close_quietly(producer.stop())

    async def publish_at(self, record: Outgoing) -> int:
        """As `publish`, for one record; returns its offset, -1 where the broker did not say."""
        self._refuse_oversize([record])
        await self._connected()
        return (await self._all([self._queue(record.topic, record.partition).put([record])], [record]))[0]

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Returns when every record is acknowledged by all in-sync replicas.

        Raises `RecordTooLarge` before anything is sent, `PublishFailed` when any record is not acknowledged
        within the timeout: publish the whole call again. `KafkaUnavailable` when there is no connection.
        """
        self._refuse_oversize(records)
        await self._connected()
        pending = [self._queue(*where).put(group) for where, group in _by_partition(records).items()]
        await self._all(pending, records)

    async def _all(self, pending: Sequence[asyncio.Future[int]], records: Sequence[Outgoing]) -> list[int]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await asyncio.gather(*pending)
        except (KafkaError, TimeoutError) as error:
            topics = sorted({record.topic for record in records})
            raise PublishFailed(f"{len(records)} records for {', '.join(topics)}: {error!r}") from error
        finally:
            _give_up(pending)

    def _refuse_oversize(self, records: Iterable[Outgoing]) -> None:
        for record in records:
            if record.size > self._record_bytes:
                raise RecordTooLarge(record.topic, record.key, record.size, self._record_bytes)

    def _queue(self, topic: str, partition: int) -> PartitionQueue:
        queue = self._queues.get((topic, partition))
        if queue is None:
            send = partial(self._send, topic, partition)
            queue = self._queues[topic, partition] = PartitionQueue(self._new_batch, send)
        return queue

    async def _new_batch(self) -> Any:
        return (await self._connected()).create_batch()

    async def _send(self, topic: str, partition: int, batch: Any) -> int:
        """The offset of the batch's first record."""
        producer = await self._connected()
        batch.close()  # a closed batch does not linger
        try:
            async with asyncio.timeout(self._timeout_seconds):
                acknowledged = await (await producer.send_batch(batch, topic, partition=partition))
        except (KafkaError, TimeoutError) as error:
            await self._drop_if_broken(producer, error)
            raise
        return int(acknowledged.offset)

    async def _connected(self) -> Any:
        if self._producer is not None:
            return self._producer
        async with self._changing:
            if self._producer is None:
                self._producer = await self._new_producer()
            return self._producer

    async def _new_producer(self) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._batch_bytes,
            linger_ms=0,
            request_timeout_ms=int(self._timeout_seconds * 1000),
            metadata_max_age_ms=60_000,
        )
        try:
            await producer.start()
        except KafkaError as error:
            await close_quietly(producer.stop())
            raise KafkaUnavailable(f"no answer from Kafka at {self._bootstrap}: {error}") from error
        except BaseException:  # its caller's time is up: a half-made connection is nobody's
            await close_quietly(producer.stop())
            raise
        return producer

    async def _drop_if_broken(self, producer: Any, error: Exception) -> None:
        """After a fatal error (fenced, sequence lost, closed) the producer answers nothing else any more."""
        if isinstance(error, _SURVIVABLE) or getattr(error, "retriable", False):
            return
        async with self._changing:
            if self._producer is producer:
                self._producer = None
                await close_quietly(producer.stop())


def _by_partition(records: Sequence[Outgoing]) -> dict[tuple[str, int], list[Outgoing]]:
    groups: dict[tuple[str, int], list[Outgoing]] = {}
    for record in records:
        where = (record.topic, record.partition)
        if where in groups:
            groups[where].append(record)
        else:
            groups[where] = [record]
    return groups


def _give_up(pending: Iterable[asyncio.Future[int]]) -> None:
    """The caller is gone: what is not under way is not sent, and no error goes unseen."""
    for future in pending:
        if not future.cancel() and not future.cancelled():
            future.exception()
