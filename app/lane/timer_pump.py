"""Fires due timers of the owned partitions: produces their records, leaves the rows.

The transaction that takes a fired record deletes its row. One that was not taken in `refire_seconds` is
fired again; the id holds the due time, so a repeat is a duplicate.
"""

import logging
from datetime import UTC, datetime
from typing import Final

import msgspec

from app.errors import Transient
from app.kafka.publisher import Outgoing
from app.lane.lanes import Lanes
from app.lane.ports import Deps

log: Final = logging.getLogger(__name__)


class TimerSettings(msgspec.Struct, frozen=True, kw_only=True):
    every_seconds: float = 0.2
    refire_seconds: float = 30.0
    limit: int = 2000


class TimerPump:
    def __init__(self, lanes: Lanes, deps: Deps, settings: TimerSettings) -> None:
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
        due = await self._deps.store.take_due_timers(owned, now, self._settings.limit, refire)
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
