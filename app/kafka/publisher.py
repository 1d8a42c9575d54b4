"""Publishing whole record batches: nothing per record is awaited, scheduled or logged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, RequestTimedOutError

from app.kafka.errors import KafkaUnavailable, PublishFailed, RecordTooLarge

BATCH_BYTES = 256 * 1024
RECORD_BYTES = 1_000_000
"""Below the broker's default `message.max.bytes` (1,048,588), which counts the batch's header too."""
RECORD_OVERHEAD_BYTES = 100

_SURVIVABLE = (KafkaTimeoutError, RequestTimedOutError, KafkaConnectionError, TimeoutError)


class Outgoing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One record to publish. `value` None is a tombstone; key and value may not both be None."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that count against the broker's limit, header fields included."""
        headers = sum(len(name) + len(value) + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + RECORD_OVERHEAD_BYTES


def check_size(record: Outgoing, limit: int = RECORD_BYTES) -> None:
    """Raises RecordTooLarge for a record that a `Publisher` with this limit would refuse."""
    suspect = len(record.value or b"") * 2 > limit or len(record.headers) > 1  # nearly none is
    if suspect and record.size > limit:
        raise RecordTooLarge(record.topic, record.key, record.size, limit)


class Publisher:
    """One idempotent producer with acks=all. Safe for several callers at once.

    Records of one caller that awaits between calls keep their order within a partition, also after a failure:
    a partition's second batch is sent only when its first is acknowledged. A call that failed may have been
    stored in part or arrive later, so the same records published again come after it, never before.
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

    async def start(self) -> None:
        """Connects; raises `KafkaUnavailable` when no broker answers. Does nothing when started."""
        async with self._changing:
            if self._producer is None:
                self._producer = await self._connected()

    async def stop(self) -> None:
        """Sends what is pending, at most for a few seconds, and closes. Does nothing when stopped."""
        async with self._changing:
            producer, self._producer = self._producer, None
            if producer is not None:
                await _close(producer)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Returns when every record is acknowledged by all in-sync replicas.

        Raises `RecordTooLarge` before anything is sent, `PublishFailed` when any record is not acknowledged
        within the timeout: publish the whole call again.
        """
        if not records:
            return
        self._refuse_oversize(records)
        await self.start()
        producer = self._producer
        try:
            async with asyncio.timeout(self._timeout_seconds):
                for round_ in self._rounds(producer, records):
                    await self._send(producer, round_)
        except (KafkaError, TimeoutError) as error:
            await self._drop_if_broken(producer, error)
            topics = sorted({record.topic for record in records})
            raise PublishFailed(f"{len(records)} records for {', '.join(topics)}: {error!r}") from error

    def _refuse_oversize(self, records: Iterable[Outgoing]) -> None:
        for record in records:
            if record.size > self._record_bytes:
                raise RecordTooLarge(record.topic, record.key, record.size, self._record_bytes)

    def _rounds(self, producer: Any, records: Sequence[Outgoing]) -> list[list[tuple[str, int, Any]]]:
        """Record batches to send; a round holds at most one per partition, so that rounds keep the order."""
        groups: dict[tuple[str, int], list[Any]] = {}
        for record in records:
            group = groups.setdefault((record.topic, record.partition), [])
            if not group or not _append(group[-1], record):
                group.append(producer.create_batch())
                if not _append(group[-1], record):
                    raise RecordTooLarge(record.topic, record.key, record.size, self._record_bytes)
        columns = [[(topic, partition, batch) for batch in g] for (topic, partition), g in groups.items()]
        return [[entry for entry in row if entry is not None] for row in zip_longest(*columns)]

    async def _send(self, producer: Any, entries: list[tuple[str, int, Any]]) -> None:
        pending = []
        for topic, partition, batch in entries:
            batch.close()  # a closed batch does not linger
            pending.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*pending)

    async def _connected(self) -> Any:
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
            await _close(producer)
            raise KafkaUnavailable(f"no answer from Kafka at {self._bootstrap}: {error}") from error
        return producer

    async def _drop_if_broken(self, producer: Any, error: Exception) -> None:
        """After a fatal error (fenced, sequence lost, closed) the producer answers nothing else any more."""
        if isinstance(error, _SURVIVABLE) or getattr(error, "retriable", False):
            return
        async with self._changing:
            if self._producer is producer:
                self._producer = None
                await _close(producer)


def _append(batch: Any, record: Outgoing) -> bool:
    added = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return added is not None


async def _close(producer: Any) -> None:
    with suppress(KafkaError, TimeoutError):  # what was not acknowledged has been reported to its caller
        await asyncio.wait_for(producer.stop(), timeout=5.0)
