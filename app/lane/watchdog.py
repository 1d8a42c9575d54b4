"""The watchdog: what the framework does not deliver is read from the log all the same.

Every half second it compares positions with end offsets. A partition that stands still with records waiting
is caught up by its owner after `tail_seconds`; by any worker after `adopt_seconds` (its owner was killed and
the group has not noticed yet). Who works on it is a lease in the database, taken only to avoid work done
twice: the position's compare-and-swap is what keeps the books right.
"""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Final

import msgspec

from app.errors import Transient
from app.lane.lanes import Lanes
from app.lane.ports import Deps
from app.store.api import LaneId, Position

log: Final = logging.getLogger(__name__)


class WatchdogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`adopt_seconds` 0 switches adoption off."""

    every_seconds: float = 0.5
    tail_seconds: float = 2.0
    adopt_seconds: float = 3.0
    outbox_age_seconds: float = 3.0
    lease_seconds: float = 10.0
    worker_id: str = "worker"


class Watchdog:
    def __init__(self, lanes: Lanes, deps: Deps, settings: WatchdogSettings) -> None:
        self._lanes = lanes
        self._deps = deps
        self._settings = settings
        self._stood_since: dict[LaneId, tuple[int, float]] = {}
        self._working: dict[LaneId, asyncio.Task[None]] = {}
        self.lag: dict[LaneId, int] = {}
        self.passes = 0

    async def run(self) -> None:
        """Runs until cancelled. Faults of database or broker are waited out."""
        while True:
            try:
                await self.look()
            except Transient as fault:
                log.warning("watchdog: %s", fault)
                self._stood_since.clear()
            await self._deps.sleep(self._settings.every_seconds)

    async def look(self) -> None:
        """One pass over all partitions; starts at most one catch-up per partition."""
        ids = self._lanes.all_ids
        ends = await self._deps.reader.end_offsets(ids)
        positions = await self._deps.store.positions(ids)
        now = self._deps.monotonic()
        for lane in ids:
            self._consider(lane, ends.get(lane, 0), positions.get(lane, Position(0, None)), now)
        await self._publish_old_outboxes(ids)
        self.passes += 1

    def _consider(self, lane: LaneId, end: int, position: Position, now: float) -> None:
        self.lag[lane] = max(0, end - position.next_offset)
        known = self._lanes.started().get(lane)
        if known is not None and position.halted is None:
            known.halted = None  # an operator resumed it
        at_work = known is not None and known.busy  # it insists by itself, or waits for the database
        if position.next_offset >= end or position.halted is not None or at_work:
            self._stood_since.pop(lane, None)
            return
        before = self._stood_since.get(lane)
        if before is None or before[0] != position.next_offset:
            self._stood_since[lane] = (position.next_offset, now)
            return
        stood = now - before[1]
        owned = lane in self._lanes.owned
        if owned and stood >= self._settings.tail_seconds:
            self._start(lane, self._catch_up(lane, position.next_offset, end))
        elif not owned and 0 < self._settings.adopt_seconds <= stood:
            self._start(lane, self._adopt(lane, end))

    async def _catch_up(self, lane: LaneId, position: int, end: int) -> None:
        """What the lane has cached may be ahead: a database restored from an older backup tells nobody."""
        own = self._lanes[lane]
        if own.next_offset != position:
            await own.forget()
        await own.catch_up(end)

    def is_behind(self, lane: LaneId, now: datetime, seconds: float) -> bool:
        """Whether records wait in the log and the last one decided here was appended so long ago."""
        if not self.lag.get(lane):
            return False
        known = self._lanes.started().get(lane)
        decided_ms = 0 if known is None else known.stats.last_append_ms
        return decided_ms < (now.timestamp() - seconds) * 1000

    async def _adopt(self, lane: LaneId, end: int) -> None:
        if await self._deps.store.adopt(lane, self._settings.worker_id, self._settings.lease_seconds):
            log.warning("%s stands still with records waiting: adopting it up to %d", lane, end)
            adopted = self._lanes[lane]
            await adopted.forget()
            await adopted.catch_up(end)

    async def _publish_old_outboxes(self, ids: list[LaneId]) -> None:
        """Rows whose publisher died: their lane publishes them when its position is read anew."""
        ages = await self._deps.store.outbox_ages(ids)
        for lane, age in ages.items():
            if age < self._settings.outbox_age_seconds:
                continue
            if lane in self._lanes.owned or self._settings.adopt_seconds:
                self._start(lane, self._republish(lane))

    async def _republish(self, lane: LaneId) -> None:
        mine = lane in self._lanes.owned
        if mine or await self._deps.store.adopt(lane, self._settings.worker_id, self._settings.lease_seconds):
            await self._lanes[lane].publish_leftovers()

    def _start(self, lane: LaneId, work: Coroutine[Any, Any, None]) -> None:
        under_way = self._working.get(lane)
        if under_way is not None and not under_way.done():
            work.close()
            return
        self._working[lane] = asyncio.create_task(self._tried(lane, work), name=f"watchdog {lane}")

    async def _tried(self, lane: LaneId, work: Coroutine[Any, Any, None]) -> None:
        """A lease that could not be asked for is asked for again in the next pass."""
        try:
            await work
        except Transient as fault:
            log.warning("watchdog of %s: %s", lane, fault)
