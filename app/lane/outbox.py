"""Publishing what batches left in the outbox: in order, batch n+1 only when all of n is acknowledged.

While one batch is being published the lane already decides the next; never more than one ahead. A crash
leaves rows that the next owner publishes before it goes on; consumers drop repeats by sequence number.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from app.errors import Transient
from app.lane.batching import Applied
from app.lane.outgoing import unpack
from app.lane.ports import Deps
from app.lane.stats import LaneStats
from app.store.api import LaneId

log: Final = logging.getLogger(__name__)


class OutboxPublisher:
    """The outbox of one lane. Its calls are made under the lane's lock."""

    def __init__(self, lane: LaneId, deps: Deps, stats: LaneStats) -> None:
        self._lane = lane
        self._deps = deps
        self._stats = stats
        self._under_way: asyncio.Future[None] | None = None

    async def settle(self) -> None:
        """Wait until the batch being published is acknowledged."""
        if self._under_way is not None:
            await self._under_way
            self._under_way = None

    async def after_commit(self, applied: Applied) -> None:
        """Start publishing a committed batch, after the one before it is through."""
        await self.settle()
        if not self._deps.settings.publish:
            return
        self._under_way = asyncio.ensure_future(self._publish(applied))

    async def publish_leftovers(self) -> None:
        """Publish rows that an earlier owner (or life) of this partition committed but did not publish."""
        await self.settle()
        if not self._deps.settings.publish:
            return
        for row in await self._deps.store.outbox([self._lane]):
            await self._deps.publisher.publish(unpack(row.payload))
            await self._deps.store.outbox_done(self._lane, [row.first_offset])

    async def _publish(self, applied: Applied) -> None:
        tables, store = self._deps.tables, self._deps.store
        if applied.rows or applied.ids:
            await self._insist(lambda: tables.write(self._lane, applied.rows, applied.ids))
        if applied.outgoing:
            await self._insist(lambda: self._deps.publisher.publish(applied.outgoing))
            await self._insist(lambda: store.outbox_done(self._lane, [applied.first]))

    async def _insist(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat one step until it succeeds: the lane waits behind it, nothing is skipped."""
        pause = self._deps.settings.retry_seconds
        while True:
            try:
                return await step()
            except Transient as fault:
                self._stats.transient(fault)
                log.warning("%s: publishing: %s; trying again in %.1f s", self._lane, fault, pause)
                await self._deps.sleep(pause)
                pause = min(pause * 2, self._deps.settings.retry_max_seconds)
