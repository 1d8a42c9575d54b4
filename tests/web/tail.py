"""The log of mismatches as a test wants it: in memory, with a broker that can go away or lose records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.contracts.codec import encode
from app.domain.mismatch_events import MismatchChanged, MismatchEvent, MismatchOpened, MismatchResolved
from app.domain.streams import RECONCILIATION_MISMATCHES
from app.kafka.errors import KafkaUnavailable, OffsetOutOfRange
from app.kafka.partitioner import partition_for
from app.kafka.tail import Positions, out_of_range

PARTITIONS = 2
EVENTS: dict[str, type[MismatchEvent]] = {
    "opened": MismatchOpened,
    "changed": MismatchChanged,
    "resolved": MismatchResolved,
}


class Record(NamedTuple):
    partition: int
    offset: int
    value: bytes
    topic: str = RECONCILIATION_MISMATCHES


class FakeTail:
    """`away`: no broker. `cut`: forgets everything before now, as retention does."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        self.logs: list[list[Record]] = [[] for _ in range(partitions)]
        self.begins = [0] * partitions
        self.away = False
        self.reads = 0
        self._at: list[int] | None = None
        self._news = asyncio.Event()

    def append(self, key: str, value: bytes) -> None:
        partition = partition_for(key.encode(), len(self.logs))
        log = self.logs[partition]
        log.append(Record(partition, len(log), value))
        self._news.set()

    def leave(self) -> None:
        self.away = True
        self._news.set()

    def come_back(self) -> None:
        self.away = False

    def cut(self) -> None:
        self.begins = list(self._ends())

    def _ends(self) -> Positions:
        return tuple(len(log) for log in self.logs)

    def _require(self) -> None:
        if self.away:
            raise KafkaUnavailable("no broker")

    async def begin(self, positions: Positions | None) -> Positions:
        self._require()
        ends = self._ends()
        start = ends if positions is None else positions
        if out_of_range(start, tuple(self.begins), ends) is not None:
            raise OffsetOutOfRange(RECONCILIATION_MISMATCHES, 0, 0, 0, 0)
        self._at = list(start)
        return start

    async def poll(self) -> list[Any]:
        assert self._at is not None
        while True:
            self._require()
            found = [record for log, at in zip(self.logs, self._at, strict=True) for record in log[at:]]
            if found:
                self._at = list(self._ends())
                return found
            self._news.clear()
            await self._news.wait()

    async def read(self, partition: int, start: int, upto: int, max_records: int) -> tuple[list[Any], int]:
        self._require()
        self.reads += 1
        if start < self.begins[partition]:
            raise OffsetOutOfRange(RECONCILIATION_MISMATCHES, partition, start, 0, 0)
        end = min(upto, start + max_records)
        return self.logs[partition][start:end], end

    async def bounds(self) -> tuple[Positions, Positions]:
        self._require()
        return tuple(self.begins), self._ends()

    async def stop(self) -> None:
        self._at = None


def announced(word: str, row: dict[str, Any], seq: int) -> bytes:
    """The record that the lane publishes for this row."""
    fields: Sequence[str] = MismatchOpened.__struct_fields__
    known = {name: value for name, value in row.items() if name in fields}
    at: datetime = row["detected_at"] + timedelta(seconds=seq - 1)
    own = {"id": f"mc.0.{seq}.0", "seq": seq, "mismatch_id": row["id"], "occurred_at": at}
    return encode(EVENTS[word](**{**known, **own}))
