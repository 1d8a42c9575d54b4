"""A worker's row: which lanes it owns and what it counted, written every second for web and operators."""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from app.errors import Transient
from app.lane.lanes import Lanes
from app.lane.timer_pump import TimerPump
from app.lane.watchdog import Watchdog

log: Final = logging.getLogger(__name__)
EVERY_SECONDS: Final = 1.0
EXECUTOR: Final = "executor"
"""Among the figures: what is no lane's."""


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One sign of life. `figures`: lane ('topic:partition') or `executor` -> counters since the start."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    rss_bytes: int
    lanes: list[str]
    figures: dict[str, dict[str, Any]]


class Heartbeat:
    """Writes a `Beat` every second through `write`; `remove(worker_id)` at a clean stop."""

    def __init__(
        self,
        worker_id: str,
        lanes: Lanes,
        watchdog: Watchdog,
        timers: TimerPump,
        write: Callable[[Beat], Awaitable[None]],
        remove: Callable[[str], Awaitable[None]],
        executor: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._worker_id = worker_id
        self._lanes = lanes
        self._watchdog = watchdog
        self._timers = timers
        self._write = write
        self._remove = remove
        self._executor = executor
        self._started_at = datetime.now(UTC)

    async def run(self) -> None:
        """Runs until cancelled; a missed beat is only a late row."""
        while True:
            try:
                await self._write(self.beat())
            except Transient as fault:
                log.warning("heartbeat: %s", fault)
            await asyncio.sleep(EVERY_SECONDS)

    async def say_goodbye(self) -> None:
        try:
            await self._remove(self._worker_id)
        except Transient as fault:
            log.warning("heartbeat: %s", fault)

    def beat(self) -> Beat:
        owned = self._lanes.owned
        figures = {
            str(lane): {
                **running.stats.figures(),
                "next_offset": running.next_offset,
                "halted": running.halted,
                "lag": self._watchdog.lag.get(lane),
            }
            for lane, running in self._lanes.started().items()
            if lane in owned or running.stats.records
        }
        return Beat(
            worker_id=self._worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self._started_at,
            rss_bytes=rss_bytes(),
            lanes=sorted(str(lane) for lane in owned),
            figures={**figures, EXECUTOR: self._executor()},
        )


def rss_bytes() -> int:
    """Resident memory now; where /proc is missing, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * resource.getpagesize()
