"""The reconciliation lane on a real PostgreSQL without Kafka: what is published is decided at once.

Reports are made by the effect's own kind. Tests of the web and of the month's close look at what comes of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.contracts.codec import decode, encode
from app.contracts.topics import TOPICS
from app.domain.effects import EffectRequested, ReportRun
from app.domain.streams import EFFECTS_REQUESTS, RECONCILIATION_COMMANDS
from app.effects.kind import Attempt
from app.effects.run_reports import RunReports
from app.kafka.outgoing import Outgoing
from app.lane.catalogue import RULES
from app.lane.lane import Lane
from app.lane.ports import Deps
from app.lane.replay import NoTables
from app.store.api import LaneId
from app.store.postgres import PostgresStore
from tests.support.lane_world import Log, _leave


class RunsWorld:
    """`publish` is an `Ingress.publish`; with `makes_reports` False runs stay asked for."""

    def __init__(self, pool: Any, topics: Sequence[str] = (RECONCILIATION_COMMANDS,)) -> None:
        self.pool = pool
        self.makes_reports = True
        self.outputs: list[Outgoing] = []
        self.store = PostgresStore(pool)
        self.logs = {topic: Log() for topic in topics}
        self.lanes = {topic: self._lane(topic) for topic in topics}

    def _lane(self, topic: str) -> Lane:
        deps = Deps(
            store=self.store,
            reader=self.logs[topic],
            publisher=self,
            tables=NoTables(),
            partitions={each.name: 1 for each in TOPICS},
            leave=_leave,
            sleep=_no_sleep,
            monotonic=time.monotonic,
        )
        return Lane(LaneId(topic, 0), RULES[topic], deps)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Of a lane: after its commit; so what it sends to itself is decided once that has returned."""
        self.outputs += records

    async def take(self, records: Sequence[Outgoing], at: datetime | None = None) -> None:
        """Append at this moment and decide, with everything that follows."""
        await self.publish(records)
        while self.outputs:
            record = self.outputs.pop(0)
            if record.topic in self.lanes:
                await self._decide(record, at or datetime.now(UTC))
            elif record.topic == EFFECTS_REQUESTS and self.makes_reports:
                await self._perform(decode(EFFECTS_REQUESTS, record.value))

    async def _decide(self, record: Outgoing, at: datetime) -> None:
        log = self.logs[record.topic]
        fetched = log.append(record.value, record.key, timestamp=round(at.timestamp() * 1000))
        await self.lanes[record.topic].process([fetched])

    async def _perform(self, asked: Any) -> None:
        if not isinstance(asked, EffectRequested) or not isinstance(asked.work, ReportRun):
            return
        attempt = Attempt(
            effect_id=asked.id,
            target=asked.target,
            object=asked.object,
            seq=0,
            number=1,
            work=asked.work,
            requested_at=datetime.now(UTC),
        )
        outcome = await RunReports(self.pool).perform(attempt)
        for topic, key, record in outcome.answers:
            await self.publish([outgoing(topic, key, record)])

    async def fire(self, at: datetime) -> int:
        """Timers that are due then, decided as if it were that moment; returns how many there were."""
        due = await self.store.take_due_timers([lane.id for lane in self.lanes.values()], at, 100, 0.0)
        for timer in due:
            record = Outgoing(timer.lane.topic, 0, timer.key.encode(), timer.record)
            await self.take([record], at)
        return len(due)


def outgoing(topic: str, key: str, record: Any) -> Outgoing:
    return Outgoing(topic, 0, key.encode(), encode(record))


async def _no_sleep(seconds: float) -> None:
    return None
