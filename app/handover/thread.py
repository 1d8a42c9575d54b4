"""The consumer's own thread: everything here runs on its event loop, beside the aiokafka consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

COMMIT_SECONDS = 3.0
FETCH_MAX_WAIT_MS = 50
"""Faust's 1,500 ms would let a busy partition, left out of a fetch, wait that long for idle ones."""
PREFETCH_BACKOFF_SECONDS = 0.02
"""How long the records held for a busy partition may delay the next fetch of the others."""
ERROR_PAUSE_SECONDS = 0.2


class Ready(Protocol):
    """Says now, not at the time of asking, whether a partition's records may be taken."""

    def __contains__(self, tp: object) -> bool: ...


class LaneConsumerThread(AIOKafkaConsumerThread):
    """Extension point: `Consumer._new_consumer_thread` (faust/transport/drivers/aiokafka.py:246)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._look_again = asyncio.Event()

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Faust's consumer reads uncommitted records and polls for 1.5 s; there is no setting for either."""
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self._ensure_consumer()._fetcher._prefetch_backoff = PREFETCH_BACKOFF_SECONDS

    def look_again(self) -> None:
        """Wakes a waiting `take`; callable from any thread."""
        if not self.thread_loop.is_closed():
            self.thread_loop.call_soon_threadsafe(self._look_again.set)

    async def take(self, ready: Ready, max_records: int, timeout: float) -> dict[TP, list[Any]]:
        """Fetched records of the partitions that are ready, at most `max_records` of each.

        The rest stays in the fetcher. Waits up to `timeout` seconds for the first; wakes up for new records
        and for partitions that become ready. Empty while the flow is stopped.
        """
        taken: dict[TP, list[Any]] = await self.call_thread(self._take, ready, max_records, timeout)
        return taken

    async def _take(self, ready: Ready, max_records: int, timeout: float) -> dict[TP, list[Any]]:
        consumer = self._ensure_consumer()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self.consumer.flow_active:
            self._look_again.clear()
            consumer._coordinator.check_errors()  # not authorized, or its task died: this ends the process
            taken = await self._sweep(consumer, ready, max_records)
            remaining = deadline - loop.time()
            if taken or remaining <= 0:
                return taken
            await self._wait_for_records(consumer, remaining)
        return {}

    async def _sweep(self, consumer: Any, ready: Ready, max_records: int) -> dict[TP, list[Any]]:
        """One look at what is fetched. `getmany` is asked per partition: its limit counts over all."""
        if consumer._closed:
            raise ConsumerStoppedError
        taken: dict[TP, list[Any]] = {}
        for tp in list(consumer._fetcher._records):
            if tp in ready:
                records = await self._get(consumer, tp, max_records)
                if records:
                    taken[TP(tp.topic, tp.partition)] = records
        return taken

    async def _get(self, consumer: Any, tp: TopicPartition, max_records: int) -> list[Any]:
        try:
            fetched = await consumer.getmany(tp, timeout_ms=0, max_records=max_records)
        except ConsumerStoppedError:
            raise
        except KafkaError as error:  # of one partition; the others must go on
            self.log.warning("Fetching %r failed: %r", tp, error)
            await asyncio.sleep(ERROR_PAUSE_SECONDS)
            return []
        return list(fetched.get(tp, ()))

    async def _wait_for_records(self, consumer: Any, timeout: float) -> None:
        fetched = consumer._fetcher._create_fetch_waiter()
        woken = asyncio.ensure_future(self._look_again.wait())
        try:
            await asyncio.wait((fetched, woken), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            if fetched.done() and not fetched.cancelled():
                fetched.exception()  # a coordination error; the coordinator reports and retries it itself
            fetched.cancel()

    async def seek_many(self, offsets: Mapping[TP, int]) -> None:
        """Raises IllegalStateError when a partition is no longer assigned."""
        await self.call_thread(self._seek_many, offsets)

    async def _seek_many(self, offsets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in offsets.items():
            consumer.seek(TopicPartition(tp.topic, tp.partition), offset)

    async def seek_to_group_offsets(self, tps: Collection[TP]) -> Mapping[TP, int]:
        """For topics that are not handed over in batches."""
        asked = [TopicPartition(tp.topic, tp.partition) for tp in tps]
        found = await self.call_thread(self._ensure_consumer().seek_to_committed, *asked)
        return {TP(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def never_fetch(self, tps: Collection[TP]) -> None:
        """Pauses partitions in aiokafka itself; Faust's own pausing lets it fetch and hold their records."""
        await self.call_thread(self._never_fetch, tps)

    async def _never_fetch(self, tps: Collection[TP]) -> None:
        self._ensure_consumer().pause(*(TopicPartition(tp.topic, tp.partition) for tp in tps))

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """The group's offsets are a hint: a commit that fails is told, and forgotten."""
        consumer = self._ensure_consumer()
        mine = consumer.assignment()
        hints = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in mine
        }
        try:
            await asyncio.wait_for(consumer.commit(hints), COMMIT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            self.log.info("Group offsets not committed, which does no harm: %r", error)
            return False
        return True
