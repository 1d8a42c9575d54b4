"""The Lane: why a record can neither be lost nor doubled.

One per (topic, partition). PostgreSQL holds the position beside the books: each batch commits in one
transaction that begins with the compare-and-swap of the position from its first offset to its next. So

* a record skipped by the framework shows as a hole: `catch_up` reads it from the log and decides it;
* a record delivered twice lies below the position and is dropped;
* a zombie (a paused worker that wakes after the takeover) finds the position moved, and forgets;
* a crash before the commit leaves nothing, one after it leaves an outbox row that the next owner publishes.

What the framework delivers only wakes the lane early. Everything read from a table is compared with
PostgreSQL by the same transaction. No exception leaves `process`: faults are retried, split down to the
poison record, or end the process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from app.errors import BadData, FailStop, LogTruncated, Moved, Transient
from app.lane.batching import Applied, BatchRun
from app.lane.memory import Memory
from app.lane.outbox import OutboxPublisher
from app.lane.ports import Deps, LogRecord, Rules
from app.lane.stats import LaneStats
from app.store.api import LaneId

log: Final = logging.getLogger(__name__)
T = TypeVar("T")


class Lane:
    """Decides the records of one partition in order; safe to call from any number of tasks."""

    def __init__(self, lane: LaneId, rules: Rules, deps: Deps) -> None:
        self.id = lane
        self.stats = LaneStats()
        self.halted: str | None = None
        self._rules = rules
        self._deps = deps
        self._lock = asyncio.Lock()
        self._memory = Memory()
        self._next: int | None = None
        self._outbox = OutboxPublisher(lane, deps, self.stats)

    @property
    def next_offset(self) -> int | None:
        """The position as this lane last saw it; None where it has to be read again."""
        return self._next

    @property
    def busy(self) -> bool:
        return self._lock.locked()

    async def process(self, records: Sequence[LogRecord]) -> None:
        """Decide what the framework delivered, any hole before it first. Cancelling cuts no transaction."""
        if records:
            await asyncio.shield(self._guarded(records, records[-1].offset + 1))

    async def catch_up(self, upto: int) -> None:
        """Decide everything below offset `upto`, reading it from the log: hole refill and tail alike."""
        await asyncio.shield(self._guarded((), upto))

    async def forget(self) -> None:
        """Drop what is cached, for instance when the partition is taken away or given to this worker."""
        async with self._lock:
            self._forget()

    async def publish_leftovers(self) -> None:
        """Read the position anew and publish what stands in the outbox before it."""
        await self.forget()
        await self.catch_up(0)

    async def settle(self) -> None:
        """Wait until the work in hand is done and published."""
        async with self._lock:
            await self._outbox.settle()

    async def _guarded(self, records: Sequence[LogRecord], upto: int) -> None:
        async with self._lock:
            pause = self._deps.settings.retry_seconds
            while True:
                try:
                    return await self._run(records, upto)
                except Moved:
                    self.stats.moved += 1
                    self._forget()
                except Transient as fault:
                    self._forget()
                    self.stats.transient(fault)
                    log.warning("%s: %s; trying again in %.1f s", self.id, fault, pause)
                    await self._deps.sleep(pause)
                    pause = min(pause * 2, self._deps.settings.retry_max_seconds)
                except LogTruncated as fault:
                    return await self._halt(str(fault))
                except Exception as fault:
                    if not await self._was_moved():
                        return await self._fail_stop(fault)
                    self.stats.moved += 1
                    self._forget()

    async def _run(self, records: Sequence[LogRecord], upto: int) -> None:
        fresh = False  # read or committed just now: what was cached before may be a revived zombie's
        while True:
            if self._next is None:
                fresh = True
            position = self._next if self._next is not None else await self._load_position()
            if self.halted is not None:
                return
            records = _from_offset(records, position)
            if not records and position >= upto:
                return
            if records and records[0].offset == position:
                run = _contiguous(records, self._deps.settings.batch_max_records)
                await self._apply(run, run[-1].offset + 1)
                fresh = True
            elif not fresh:
                self._forget()  # believe in a hole only with a fresh position
            else:
                await self._refill(position, records[0].offset if records else upto)

    async def _refill(self, position: int, upto: int) -> None:
        found, covered = await self._deps.reader.read(
            self.id.topic, self.id.partition, position, upto, self._deps.settings.batch_max_records
        )
        if covered <= position:
            raise Transient(f"{self.id}: nothing could be read at offset {position}")
        await self._apply(found, covered)
        self.stats.hole(len(found))

    async def _load_position(self) -> int:
        """The position from PostgreSQL; what an earlier owner left in the outbox is published first."""
        self._memory.forget()
        position = await self._deps.store.position(self.id)
        self.halted = position.halted
        if position.halted is None:
            await self._outbox.publish_leftovers()
        self._next = position.next_offset
        return position.next_offset

    async def _apply(self, records: Sequence[LogRecord], next_offset: int) -> None:
        """Decide and commit one contiguous run, splitting it where the database refuses its data."""
        assert self._next is not None
        try:
            await self._commit(records, next_offset, poison=None)
        except BadData as fault:
            if len(records) > 1:
                half = len(records) // 2
                await self._apply(records[:half], records[half].offset)
                await self._apply(records[half:], next_offset)
            else:
                await self._commit(records, next_offset, poison=f"bad_data: {fault}")

    async def _commit(self, records: Sequence[LogRecord], next_offset: int, poison: str | None) -> None:
        assert self._next is not None
        batch = BatchRun(self.id, self._rules, self._deps, self._memory, self.stats)
        applied: Applied = await batch.run(records, self._next, next_offset, poison)
        self._next = next_offset
        self.stats.committed(applied.counts, records)
        await self._outbox.after_commit(applied)

    def _forget(self) -> None:
        self._next = None
        self._memory.forget()

    async def _was_moved(self) -> bool:
        """Whether others have moved the position: then rows were read before and after their commit.

        What a rule makes of such a mixture proves nothing; the commit would have been refused.
        """
        if self._next is None:
            return False
        position = await self._until_written(lambda: self._deps.store.position(self.id))
        return position.next_offset != self._next

    async def _fail_stop(self, fault: Exception) -> None:
        """A broken invariant: strike it at its offset and leave at once; the third halts the partition."""
        offset = self._next if self._next is not None else -1
        log.critical("%s: fail-stop at offset %s: %r", self.id, offset, fault, exc_info=fault)
        reason = f"{type(fault).__name__}: {fault}" if isinstance(fault, FailStop) else repr(fault)
        strikes = await self._until_written(lambda: self._deps.store.strike(self.id, offset, reason))
        self._forget()
        if strikes >= 3:
            self.halted = reason
            return
        self._deps.leave(f"{self.id} at offset {offset}: {reason}")

    async def _halt(self, reason: str) -> None:
        log.critical("%s: halted: %s", self.id, reason)
        await self._until_written(lambda: self._deps.store.halt(self.id, reason))
        self._forget()
        self.halted = reason

    async def _until_written(self, write: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await write()
            except Transient as fault:
                log.warning("%s: %s", self.id, fault)
                await self._deps.sleep(self._deps.settings.retry_seconds)


def _from_offset(records: Sequence[LogRecord], position: int) -> Sequence[LogRecord]:
    if not records or records[0].offset >= position:
        return records
    if records[-1].offset < position:
        return ()
    return [record for record in records if record.offset >= position]


def _contiguous(records: Sequence[LogRecord], limit: int) -> Sequence[LogRecord]:
    """The longest run of consecutive offsets at the beginning, at most `limit` records."""
    first = records[0].offset
    count = min(len(records), limit)
    if records[count - 1].offset == first + count - 1:
        return records[:count]
    end = 1
    while end < count and records[end].offset == first + end:
        end += 1
    return records[:end]
