"""Fires due timers of the owned partitions: produces their records, leaves the rows.

The transaction that takes a fired record deletes its row. One that was not taken in `refire_seconds` is
fired again; the id holds the due time, so a repeat is a duplicate. Not so while the lane has records to
decide that are as old: the fired one waits among them, and repeats would only lengthen the queue.
"""

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

import msgspec

from app.errors import Transient
from app.kafka.publisher import Outgoing
from app.lane.lanes import Lanes
from app.lane.ports import Deps
from app.store.api import DueTimer, LaneId

log: Final = logging.getLogger(__name__)
NEVER_SECONDS: Final = 1e9
Behind = Callable[[LaneId, datetime, float], bool]
"""(lane, now, seconds): whether its log holds undecided records that are so old."""


class TimerSettings(msgspec.Struct, frozen=True, kw_only=True):
    every_seconds: float = 0.2
    refire_seconds: float = 30.0
    limit: int = 2000


class TimerPump:
    def __init__(
        self,
        lanes: Lanes,
        deps: Deps,
        settings: TimerSettings,
        is_behind: Behind = lambda lane, now, seconds: False,
    ) -> None:
        self._is_behind = is_behind
        self._lanes = lanes
        self._deps = deps
        self._settings = settings
        self.fired = 0
        self._unpublished = False

    async def run(self) -> None:
        """Runs until cancelled. Faults of database or broker are waited out."""
        while True:
            try:
                fired = await self.fire(datetime.now(UTC))
            except Transient as fault:
                log.warning("timers: %s", fault)
                fired = 0
            if fired < self._settings.limit:
                await self._deps.sleep(self._settings.every_seconds)

    async def fire(self, now: datetime) -> int:
        """Produce what is due at `now`; returns how many records that were."""
        owned = self._lanes.owned
        if not owned:
            return 0
        refire = 0.0 if self._unpublished else self._settings.refire_seconds
        behind = {lane for lane in owned if self._is_behind(lane, now, self._settings.refire_seconds / 2)}
        due = await self._take(owned - behind, now, refire) + await self._take(behind, now, NEVER_SECONDS)
        self._unpublished = bool(due)  # marked as fired, until the broker has them
        await self._deps.publisher.publish(
            [
                Outgoing(timer.lane.topic, timer.lane.partition, timer.key.encode(), timer.record)
                for timer in due
            ]
        )
        self._unpublished = False
        self.fired += len(due)
        return len(due)

    async def _take(self, lanes: Collection[LaneId], now: datetime, refire_seconds: float) -> list[DueTimer]:
        if not lanes:
            return []
        return await self._deps.store.take_due_timers(lanes, now, self._settings.limit, refire_seconds)
