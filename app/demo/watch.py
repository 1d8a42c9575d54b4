"""Looks at the running system: what is committed, what still waits, whether everything has come to rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.demo.stream import COMMANDS, LINES
from app.errors import TallystickError, Transient
from app.kafka.reader import RangeReader
from app.store.books import Progress, read_progress

LANES = (
    COMMANDS,
    "matching.commands",
    LINES,
    "banking.commands",
    "bank.lines",
    "psp.webhooks",
    "effects.requests",
    "alerts.commands",
    "reconciliation.commands",
)
HORIZON_SECONDS = 60.0
"""Timers due later than this are not the demo's: its windows are seconds long."""
POLL_SECONDS = 0.25
FRESH_SECONDS = 3.0
"""A worker that was silent for longer is counted as down; each says that it lives every second."""


class NotAtRest(TallystickError):
    """The system did not come to rest in time; the text says what is left."""


@dataclass
class View:
    """The latest figures; `lag` is records that are in the log and not committed."""

    progress: Progress | None = None
    committed: int = 0
    lag: int = 0
    rate: float = 0.0
    """Records committed per second, over the last looks."""
    looked_at: float = field(default_factory=time.monotonic)

    def lanes_of_the_living(self) -> dict[str, list[str]]:
        """Worker -> lanes, of workers that gave a sign of life just now."""
        if self.progress is None:
            return {}
        silent = self.progress.silent_seconds
        return {
            worker: lanes
            for worker, lanes in self.progress.worker_lanes.items()
            if silent.get(worker, FRESH_SECONDS) < FRESH_SECONDS
        }


class Watch:
    """Polls PostgreSQL and Kafka's end offsets. `pool`: of `app.store.pool.open_pool`."""

    def __init__(self, pool: Any, reader: RangeReader, partitions: int) -> None:
        self._pool = pool
        self._reader = reader
        self._lanes = [(topic, partition) for topic in LANES for partition in range(partitions)]
        self.view = View()

    async def look(self) -> View:
        """Raises Transient where one of the two does not answer."""
        ends = await self._reader.end_offsets(self._lanes)
        progress = await read_progress(self._pool, HORIZON_SECONDS)
        before, now = self.view, time.monotonic()
        committed = sum(progress.positions.get(f"{topic}:{number}", 0) for topic, number in self._lanes)
        seconds = max(now - before.looked_at, 1e-3)
        newest = (committed - before.committed) / seconds if before.progress else 0.0
        self.view = View(
            progress=progress,
            committed=committed,
            lag=max(sum(ends.values()) - committed, 0),
            rate=0.5 * before.rate + 0.5 * newest,
            looked_at=now,
        )
        return self.view

    async def until_at_rest(self, within_seconds: float, tell: Callable[[View], None]) -> None:
        """Nothing in logs and outbox, no timer soon; twice in a row, since one makes another."""
        await self._until(lambda view: at_rest(view), within_seconds, tell, looks=2)

    async def until(self, condition: Callable[[View], bool], within_seconds: float, what: str) -> None:
        """Until one look satisfies `condition`. Raises NotAtRest naming `what`."""
        await self._until(condition, within_seconds, lambda view: None, looks=1, what=what)

    async def _until(
        self,
        condition: Callable[[View], bool],
        within_seconds: float,
        tell: Callable[[View], None],
        looks: int,
        what: str = "",
    ) -> None:
        deadline, seen = time.monotonic() + within_seconds, 0
        while seen < looks:
            try:
                view = await self.look()
            except Transient:
                seen = 0
            else:
                tell(view)
                seen = seen + 1 if condition(view) else 0
            if seen < looks and time.monotonic() > deadline:
                raise NotAtRest(f"waited {within_seconds:.0f} s for {what or remains(self.view)}")
            await asyncio.sleep(POLL_SECONDS)


def at_rest(view: View) -> bool:
    progress = view.progress
    return progress is not None and not (view.lag or progress.outbox or progress.soon)


def remains(view: View) -> str:
    """What keeps the system from rest, for people."""
    progress = view.progress
    if progress is None:
        return "the first figures"
    parts = [f"{view.lag} records", f"{progress.outbox} outbox rows", f"{progress.soon} timers"]
    if progress.halted:
        parts.append(f"halted: {', '.join(progress.halted)}")
    return ", ".join(parts)
