"""The log in memory: topics of partitions, the broker's append time, offsets that hold no record."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.errors import LogTruncated
from app.kafka.publisher import Outgoing
from app.store.api import LaneId


class Record(NamedTuple):
    """A record as a consumer fetches it; `timestamp` is the append time in epoch milliseconds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Partition:
    """Offsets ascend but need not be dense: a transaction's marker takes one without holding a record."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.offsets: list[int] = []
        self.end = 0

    def append(self, record: Outgoing, now_ms: int) -> None:
        self.records.append(Record(self.end, now_ms, record.key, record.value, record.headers))
        self.offsets.append(self.end)
        self.end += 1

    def has_from(self, start: int) -> bool:
        """Whether there is a record at `start` or after it; markers do not count."""
        return bool(self.offsets) and self.offsets[-1] >= start

    def slice(self, start: int, upto: int, limit: int) -> list[Record]:
        low = bisect_left(self.offsets, start)
        high = min(bisect_left(self.offsets, upto), low + limit)
        return self.records[low:high]


class Broker:
    """All partitions of all topics. Nothing fails here; faults come from the steps that lead to it."""

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self.partitions = {
            LaneId(topic, index): Partition() for topic, count in partitions.items() for index in range(count)
        }

    def append(self, records: Sequence[Outgoing], now_ms: int) -> None:
        for record in records:
            self.partitions[LaneId(record.topic, record.partition)].append(record, now_ms)

    def mark(self, lane: LaneId) -> None:
        """A transaction's marker: one offset without a record."""
        self.partitions[lane].end += 1

    def read(self, lane: LaneId, start: int, upto: int, max_records: int) -> tuple[Sequence[Record], int]:
        """As `LogReader.read`: records of [start, covered), where markers after the last one are covered."""
        partition = self.partitions[lane]
        if start > partition.end:
            raise LogTruncated(f"{lane} ends at {partition.end}, before offset {start}")
        found = partition.slice(start, upto, max_records)
        if len(found) == max_records:
            return found, found[-1].offset + 1
        return found, min(upto, partition.end)

    def end_offsets(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {LaneId(*partition): self.partitions[LaneId(*partition)].end for partition in partitions}
