"""What a lane counts about itself since the worker started; workers write it to their row every second."""

from collections import Counter
from collections.abc import Mapping, Sequence

from app.lane.ports import LogRecord


class LaneStats:
    """`holes`: refills with a fresh position; `moved`/`stale`: normal after a takeover, odd otherwise."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.records = 0
        self.batches = 0
        self.holes = 0
        self.hole_records = 0
        self.moved = 0
        self.stale = 0
        self.faults = 0
        self.last_fault = ""
        self.last_append_ms = 0

    def committed(self, counts: Mapping[str, int], records: Sequence[LogRecord]) -> None:
        self.outcomes.update(counts)
        self.records += len(records)
        self.batches += 1
        if records:
            self.last_append_ms = records[-1].timestamp

    def hole(self, records: int) -> None:
        self.holes += 1
        self.hole_records += records

    def transient(self, fault: Exception) -> None:
        self.faults += 1
        self.last_fault = str(fault)[:500]

    def figures(self) -> dict[str, object]:
        return {**vars(self), "outcomes": dict(self.outcomes)}
