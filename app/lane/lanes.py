"""All lanes of a worker: one per topic and partition, made when first needed."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from app.lane.lane import Lane
from app.lane.ports import Deps, LogRecord, Rules
from app.store.api import LaneId


class Lanes:
    """The worker's lanes and which of their partitions this worker owns by the framework's membership."""

    def __init__(self, rules: Mapping[str, Rules], deps: Deps) -> None:
        self._rules = rules
        self._deps = deps
        self._lanes: dict[LaneId, Lane] = {}
        self.owned: frozenset[LaneId] = frozenset()

    def __getitem__(self, lane: LaneId) -> Lane:
        found = self._lanes.get(lane)
        if found is None:
            found = self._lanes[lane] = Lane(lane, self._rules[lane.topic], self._deps)
        return found

    @property
    def all_ids(self) -> list[LaneId]:
        """Every lane of every lane topic, owned or not."""
        return [
            LaneId(topic, partition)
            for topic in self._rules
            for partition in range(self._deps.partitions[topic])
        ]

    def started(self) -> Mapping[LaneId, Lane]:
        return dict(self._lanes)

    async def process(self, topic: str, partition: int, records: Sequence[LogRecord]) -> None:
        """What an agent calls with each whole fetch."""
        await self[LaneId(topic, partition)].process(records)

    async def assign(self, owned: Collection[LaneId]) -> None:
        """The membership changed: forget what was cached for partitions that came or went."""
        owned = frozenset(owned)
        changed = owned ^ self.owned
        self.owned = owned
        await asyncio.gather(*(self[lane].forget() for lane in sorted(changed) if lane in self._lanes))

    async def drain(self, within_seconds: float) -> bool:
        """Wait until no lane has work in hand and its outbox is published; False when that took too long."""
        waiting = [lane.settle() for lane in self._lanes.values()]
        try:
            async with asyncio.timeout(within_seconds):
                await asyncio.gather(*waiting)
        except TimeoutError:
            return False
        return True
