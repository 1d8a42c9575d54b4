"""A log of events and a table of them in memory, for what keeps the one in the other."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from app.errors import BadData, LogTruncated, Moved
from app.store.events import EventRow

Positions = tuple[int, ...]


class Log:
    """Partition -> records from its begin on. `failing`: the broker is away."""

    def __init__(self, partitions: int = 3) -> None:
        self.records: dict[int, list[Any]] = {number: [] for number in range(partitions)}
        self.begins = dict.fromkeys(self.records, 0)
        self.failing: Exception | None = None
        self.moved = asyncio.Event()
        self.opened: list[Sequence[int]] = []
        self.open = 0

    def append(self, partition: int, value: bytes | None, at: datetime) -> None:
        records = self.records[partition]
        records.append(
            SimpleNamespace(
                partition=partition, offset=len(records), value=value, timestamp=int(at.timestamp() * 1000)
            )
        )
        self.moved.set()

    def tail(self, partitions: Sequence[int]) -> LogTail:
        self.opened.append(partitions)
        self.open += 1
        return LogTail(self, partitions)


class LogTail:
    """As `app.kafka.tail.LogTail` of some partitions behaves."""

    def __init__(self, log: Log, partitions: Sequence[int]) -> None:
        self._log, self._partitions = log, partitions
        self._at: dict[int, int] = {}

    async def bounds(self) -> tuple[Positions, Positions]:
        self._answer()
        log = self._log
        begins = tuple(log.begins[one] for one in self._partitions)
        return begins, tuple(len(log.records[one]) for one in self._partitions)

    async def begin(self, positions: Positions | None) -> Positions:
        assert positions is not None
        begins, ends = await self.bounds()
        for begin, at, end in zip(begins, positions, ends, strict=True):
            if not begin <= at <= end:
                raise LogTruncated(f"{at} is not in [{begin}, {end})")
        self._at = dict(zip(self._partitions, positions, strict=True))
        return positions

    async def poll(self) -> list[Any]:
        await asyncio.wait([asyncio.ensure_future(self._log.moved.wait())], timeout=0.05)
        self._answer()
        self._log.moved.clear()
        found = [record for one in self._partitions for record in self._log.records[one][self._at[one] :]]
        self._at = {one: len(self._log.records[one]) for one in self._partitions}
        return found

    async def stop(self) -> None:
        self._log.open -= 1

    def _answer(self) -> None:
        if self._log.failing is not None:
            raise self._log.failing


class Table:
    """As `app.store.events.EventRows` behaves. It refuses events with `refused` as their type."""

    def __init__(self) -> None:
        self.rows: dict[str, EventRow] = {}
        self.at: dict[int, int] = {}
        self.lost = 0
        self.batches: list[int] = []
        self.failing: Exception | None = None

    async def positions(self, partitions: Collection[int]) -> dict[int, int]:
        return {one: self.at.setdefault(one, 0) for one in partitions}

    async def add(
        self, partition: int, first: int, upto: int, rows: Sequence[EventRow], lost: int = 0
    ) -> int:
        if self.failing is not None:
            raise self.failing
        if any(row.type == "refused" for row in rows):
            raise BadData("a value")
        if self.at[partition] != first:
            raise Moved("elsewhere")
        before = len(self.rows)
        for row in rows:
            self.rows.setdefault(row.id, row)
        self.at[partition], self.lost = upto, self.lost + lost
        self.batches.append(len(rows))
        return len(self.rows) - before
