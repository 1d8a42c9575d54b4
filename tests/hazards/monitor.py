"""Watches from outside: how positions move, who owns what, what the workers count. Survives both servers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from app.errors import Transient
from app.lane.heartbeat import EXECUTOR
from app.store.api import LaneId
from app.store.errors import translated
from tests.hazards.cluster import Cluster
from tests.hazards.truth import COMMANDS
from tests.support.waiting import eventually

LOOK_SECONDS: Final = 0.1
WORKERS_EVERY: Final = 5
MOVING_SECONDS: Final = 120.0
COUNTED: Final = ("records", "batches", "holes", "hole_records", "moved", "stale", "faults")

POSITIONS: Final = "SELECT topic, partition, next_offset, halted_reason FROM positions"
WORKERS: Final = """
SELECT worker_id, started_at, lanes, rss_bytes, figures::text AS figures,
       extract(epoch FROM clock_timestamp() - seen_at)::float AS silent
  FROM workers"""


class WorkerRow(msgspec.Struct, frozen=True):
    """`alive_at`: the monotonic time of its last sign of life."""

    started_at: datetime
    lanes: frozenset[str]
    rss_bytes: int
    alive_at: float


class Window:
    """A stretch of time that begins with a fault: how long each merchant lane stood still in it."""

    def __init__(self, monitor: Monitor) -> None:
        self.began = time.monotonic()
        self.longest: dict[LaneId, float] = {}
        self._monitor = monitor

    @property
    def stall(self) -> float:
        """Seconds that the worst partition stood still."""
        return max(self.longest.values(), default=0.0)

    async def moving(self, within_seconds: float = MOVING_SECONDS) -> float:
        """Wait until every partition has moved after now; returns `stall`."""
        now, monitor = time.monotonic(), self._monitor
        await eventually(
            lambda: all(at > now for at in monitor.moved_at.values()) or monitor.failed(),
            within_seconds,
            f"all positions to move (logs in {monitor.cluster.logs})",
        )
        return self.stall


class Monitor:
    """Its task looks every LOOK_SECONDS; conditions on what it saw need no server."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.positions: dict[LaneId, int] = {}
        self.halted: dict[LaneId, str] = {}
        self.moved_at: dict[LaneId, float] = {}
        self.workers: dict[str, WorkerRow] = {}
        self.most_rss_bytes = 0
        self._figures: dict[tuple[str, datetime], Counter[str]] = {}
        self._windows: list[Window] = []
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def window(self) -> AsyncIterator[Window]:
        window = Window(self)
        self._windows.append(window)
        try:
            yield window
        finally:
            self._windows.remove(window)

    @property
    def counted(self) -> Counter[str]:
        """Sums over all workers' lives of what lanes count; a killed one's last second is missing."""
        return sum(self._figures.values(), Counter())

    def failed(self) -> bool:
        """Raises what ended the watching; False while it goes on."""
        if self._task is not None and self._task.done():
            self._task.result()
        return False

    def fresh(self, after: float) -> dict[str, WorkerRow]:
        """Workers that gave a sign of life after the monotonic time `after`."""
        return {name: row for name, row in self.workers.items() if row.alive_at > after}

    def owned(self, names: Mapping[str, WorkerRow]) -> set[str]:
        return {lane for row in names.values() for lane in row.lanes}

    def all_owned_by(self, names: Mapping[str, WorkerRow]) -> bool:
        """Whether these workers own every lane, and none twice."""
        count = sum(len(row.lanes) for row in names.values())
        return count == len(self.owned(names)) == len(self.cluster.lanes)

    async def run(self) -> None:
        looks = 0
        while True:
            looks += 1
            try:
                with translated():
                    await self._look(looks % WORKERS_EVERY == 0)
            except Transient:
                pass
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, workers_too: bool) -> None:
        async with self.cluster.pool.acquire(timeout=2.0) as connection:
            rows = await connection.fetch(POSITIONS, timeout=2.0)
            self._note_positions(rows)
            if workers_too:
                self._note_workers(await connection.fetch(WORKERS, timeout=2.0))

    def _note_positions(self, rows: list[Any]) -> None:
        now = time.monotonic()
        self.halted = {LaneId(r[0], r[1]): r[3] for r in rows if r[3] is not None}
        for topic, partition, offset, _ in rows:
            lane = LaneId(topic, partition)
            if offset != self.positions.get(lane):
                self.positions[lane] = offset
                if topic == COMMANDS:
                    self._note_move(lane, now)

    def _note_move(self, lane: LaneId, now: float) -> None:
        before = self.moved_at.get(lane, now)
        self.moved_at[lane] = now
        for window in self._windows:
            stood = now - max(before, window.began)
            window.longest[lane] = max(window.longest.get(lane, 0.0), stood)

    def _note_workers(self, rows: list[Any]) -> None:
        now = time.monotonic()
        self.workers = {
            row["worker_id"]: WorkerRow(
                row["started_at"], frozenset(row["lanes"]), row["rss_bytes"], now - row["silent"]
            )
            for row in rows
        }
        for row in rows:
            self.most_rss_bytes = max(self.most_rss_bytes, row["rss_bytes"])
            figures: dict[str, dict[str, Any]] = msgspec.json.decode(row["figures"])
            figures.pop(EXECUTOR, None)
            counted = {name: sum(lane[name] for lane in figures.values()) for name in COUNTED}
            self._figures[row["worker_id"], row["started_at"]] = Counter(counted)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Monitor]:
        self._task = asyncio.create_task(self.run(), name="monitor")
        try:
            yield self
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
