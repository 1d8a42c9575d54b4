"""One look at the database for everybody: status, metrics and all live pages share it.

However many clients there are, this process asks PostgreSQL at most once per `FRESH_SECONDS` for what moves,
and spends at most a small share of its time on what has to be counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from app.store.api import LaneId
from app.store.web_detection import Lately, SinceStart, read_lately, read_since_start
from app.store.web_figures import Books, Counts, Fast, read_books, read_counts, read_fast
from web.ends import EndOffsets

FRESH_SECONDS: Final = 0.4
SLOW_EVERY_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 0.1
SLOW_SHARE: Final = 0.05
"""Going through whole tables may take this share of the time: the larger they are, the less often."""
RATE_SECONDS: Final = 10.0
LATEST_MISMATCHES: Final = 50

Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, what follows from earlier looks (rates, per second) and where the logs end."""

    taken: float
    fast: Fast
    books: Books
    counts: Counts
    lately: Lately
    since_start: SinceStart
    rates: dict[LaneId, float]
    ends: dict[LaneId, int | None]
    ends_age_seconds: float | None
    mark: str
    """Where the log of mismatches stood before anything was read: what comes after it may be missing here."""


class Rates:
    """Records per second of each lane, from how far its position moved over the last ten seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, dict[LaneId, int]]] = deque()

    def add(self, at: float, positions: dict[LaneId, int]) -> dict[LaneId, float]:
        """`at`: monotonic seconds. Lanes seen for the first time have no rate yet."""
        self._seen.append((at, positions))
        while len(self._seen) > 2 and self._seen[1][0] <= at - RATE_SECONDS:
            self._seen.popleft()
        rates = {lane: self._rate(lane, at, position) for lane, position in positions.items()}
        return {lane: rate for lane, rate in rates.items() if rate is not None}

    def _rate(self, lane: LaneId, at: float, position: int) -> float | None:
        """Since the oldest look that knew the lane."""
        for then, earlier in self._seen:
            if lane in earlier and at > then:
                return max(0, position - earlier[lane]) / (at - then)
        return None


class Spaced(Generic[Figures]):
    """A read that is repeated no more often than its cost allows; nobody waits for it when it is slow."""

    def __init__(self, pool: Any, read: Callable[[Any], Awaitable[Figures]]) -> None:
        self._pool, self._read = pool, read
        self._last: Figures | None = None
        self._due = 0.0
        self._reading: asyncio.Task[Figures] | None = None

    async def get(self) -> Figures:
        """The last figures; the first ones are waited for, and later ones for a moment."""
        if self._reading is None and time.monotonic() >= self._due:
            self._reading = asyncio.create_task(self._again())
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        reading = self._reading
        if reading is not None and self._last is not None:
            await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
        if self._last is not None and (reading is None or not reading.done()):
            return self._last
        return await asyncio.shield(reading or asyncio.create_task(self._again()))

    async def _again(self) -> Figures:
        began = time.monotonic()
        try:
            async with self._pool.acquire() as connection:
                self._last = await self._read(connection)
            return self._last
        finally:
            ended = time.monotonic()
            self._due = ended + max(SLOW_EVERY_SECONDS, (ended - began) / SLOW_SHARE)
            self._reading = None

    def stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()


class Snapshots:
    """`current()` answers from memory while that is fresh, and reads once for all who wait otherwise."""

    def __init__(self, pool: Any, ends: EndOffsets, mark: Callable[[], str] = str) -> None:
        self._pool = pool
        self._mark = mark
        self._ends = ends
        self._rates = Rates()
        self._lock = asyncio.Lock()
        self._last: Snapshot | None = None
        self._books = Spaced(pool, read_books)
        self._counts = Spaced(pool, read_counts)
        self._lately = Spaced(pool, read_lately)
        self._since_start = Spaced(pool, read_since_start)

    @property
    def last(self) -> Snapshot | None:
        """The last one that could be read, however old."""
        return self._last

    async def current(self) -> Snapshot:
        """At most `FRESH_SECONDS` old. Raises the database's error when it cannot be read."""
        asked = time.monotonic()
        async with self._lock:
            if self._last is None or self._last.taken < asked - FRESH_SECONDS:
                self._last = await self._take()
            return self._last

    async def _take(self) -> Snapshot:
        async with self._pool.acquire() as connection:
            taken, mark = time.monotonic(), self._mark()
            fast = await read_fast(connection, LATEST_MISMATCHES)
        positions = {LaneId(lane.topic, lane.partition): lane.next_offset for lane in fast.lanes}
        self._ends.watch(positions)
        return Snapshot(
            taken=taken,
            fast=fast,
            books=await self._books.get(),
            counts=await self._counts.get(),
            lately=await self._lately.get(),
            since_start=await self._since_start.get(),
            rates=self._rates.add(taken, positions),
            ends={lane: self._ends.get(lane) for lane in positions},
            ends_age_seconds=self._ends.age_seconds,
            mark=mark,
        )

    def stop(self) -> None:
        """Leave no read behind."""
        for spaced in (self._books, self._counts, self._lately, self._since_start):
            spaced.stop()
