"""The consumer of a lane application: hands over whole fetches, one at a time per partition."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from app.handover.batch import Batch
from app.handover.thread import COMMIT_SECONDS, LaneConsumerThread
from app.handover.topic import as_message

TAKE_SECONDS = 0.5
BACKLOG_SHARE = 4
"""A poll that brought at least a quarter of what it may bring is followed by the next one without a pause."""


class ReadyPartitions:
    """Partitions to take records from: active ones that have no batch in hand and are not held.

    Asked from the consumer's thread while the main thread changes what it looks at; each look is one set or
    dict lookup. Never empty-looking, because aiokafka takes an empty collection for all partitions.
    """

    def __init__(self, active: Collection[TP], *left_out: Collection[TP] | Mapping[TP, Batch]) -> None:
        self._active = active
        self._left_out = left_out

    def __contains__(self, tp: object) -> bool:
        return tp in self._active and not any(tp in some for some in self._left_out)

    def __bool__(self) -> bool:
        return True


class LaneConsumer(driver.Consumer):
    """Extension points: `_new_consumer_thread`, `_getmany`, `_to_message`, `_new_offset`, `_commit_offsets`,
    `perform_seek`, `wait_empty` of faust/transport/consumer.py and transport/drivers/aiokafka.py.

    Topics that are not batch topics of the app pass through as Faust delivers them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_hand: dict[TP, Batch] = {}
        self._fetching = asyncio.Lock()
        self._finished = asyncio.Event()
        self._next_poll_at = 0.0
        self._drained = False

    def _new_consumer_thread(self) -> LaneConsumerThread:
        return LaneConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: Any, timeout: float) -> dict[TP, list[Any]]:
        """Faust's name; what a partition gives is one batch, or records where it is no batch topic."""
        await self._pace()
        async with self._fetching:
            ready = ReadyPartitions(self._active_partitions, self._in_hand, self.app.held)
            generation = self.app.consumer_generation_id
            limit = self.app.max_records
            fetched = await self._thread.take(ready, limit, min(timeout, TAKE_SECONDS))
            if not self.flow_active or generation != self.app.consumer_generation_id:
                return {}  # a rebalance began meanwhile; after it everything is sought anew
            self._plan_next_poll(sum(map(len, fetched.values())), limit)
            return {tp: self._package(tp, records, generation) for tp, records in fetched.items()}

    def _package(self, tp: TP, records: list[Any], generation: int) -> list[Any]:
        if not self.app.is_batch_topic([tp.topic]):
            return records
        batch = Batch(tp.topic, tp.partition, records, generation)
        self._in_hand[tp] = batch
        return [batch]

    async def _pace(self) -> None:
        """Gathers records for a moment: a transaction per record would cost more than it gains in latency."""
        pause = self._next_poll_at - self.loop.time()
        if pause > 0:
            await asyncio.sleep(pause)

    def _plan_next_poll(self, records: int, limit: int) -> None:
        pause = 0.0 if records * BACKLOG_SHARE >= limit else self.app.poll_seconds
        self._next_poll_at = self.loop.time() + pause

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, Batch):
            return super()._to_message(tp, record)
        self._read_offset[tp] = None  # no "older, drop" filter: what is new is decided by the position
        return as_message(tp, record)

    def finished(self, batch: Batch) -> None:
        """The agent is through with `batch`: its partition may be taken from again."""
        tp = TP(batch.topic, batch.partition)
        if self._in_hand.get(tp) is batch:
            del self._in_hand[tp]
            self._thread.look_again()
        self._finished.set()

    def _new_offset(self, tp: TP) -> int | None:
        """The hint to commit: after the last batch acknowledged; a partition's batches come in order."""
        if not self.app.is_batch_topic([tp.topic]):
            stock: int | None = super()._new_offset(tp)
            return stock
        acked = self._acked[tp]
        if not acked:
            return None
        after = int(max(acked)) + 1
        acked.clear()
        self._acked_index[tp].clear()
        return after

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Bounded, for the consumer's thread may be gone already when a crashed application stops."""
        if self._thread.should_stop:
            return False
        try:
            async with asyncio.timeout(COMMIT_SECONDS + 1.0):
                return bool(await super()._commit_offsets(offsets, start_new_transaction))
        except TimeoutError:
            self.log.info("Group offsets not committed in time, which does no harm")
            return False

    async def perform_seek(self) -> None:
        """Called by Faust where it drops fetched records, always with the flow stopped. `reseek` follows."""

    async def reseek(self, positions: Mapping[TP, int]) -> None:
        """Forgets everything in hand and seeks: batch topics to `positions`, others to the group's offsets.

        The flow must be stopped. Raises IllegalStateError when another rebalance has begun.
        """
        async with self._fetching:
            self._in_hand.clear()
            others = {tp for tp in self._source_partitions() if not self.app.is_batch_topic([tp.topic])}
            if others:
                await self._seek_others(others)
            await self._thread.seek_many(positions)
            await self._thread.never_fetch({tp for tp in self.assignment() if self._is_changelog_tp(tp)})

    async def restart_at(self, positions: Mapping[TP, int]) -> None:
        """Seeks partitions while records flow; what was fetched of them is dropped."""
        async with self._fetching:
            for tp in positions:
                self._in_hand.pop(tp, None)
            await self._thread.seek_many(positions)
        self._thread.look_again()

    def _source_partitions(self) -> set[TP]:
        return {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}

    async def _seek_others(self, tps: Collection[TP]) -> None:
        for tp, offset in (await self._thread.seek_to_group_offsets(tps)).items():
            self._read_offset[tp] = offset or None
            self._committed_offset[tp] = offset or None

    def stop_flow(self) -> None:
        super().stop_flow()
        self._thread.look_again()

    async def wait_empty(self) -> None:
        """Waits for work in hand, at most `app.drain_seconds`: the group waits no longer for this member."""
        if self._drained:
            return  # Faust asks twice when it stops
        await self._drain()
        await self.commit()
        self._drained = self.app.should_stop

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self.app.drain_seconds):
                while self._working():
                    self._finished.clear()
                    await self._finished.wait()
        except TimeoutError:
            self.log.warning("Going on with %d batches still in work", len(self._working()))

    def _working(self) -> list[Any]:
        """Messages that an agent has begun and not finished; those still queued are fetched again later."""
        return [message for message in self._unacked_messages if not message.acked]

    async def verify_all_partitions_active(self) -> None:
        """Faust's livelock messages are off: they misread paused changelogs; lag is watched from outside."""
