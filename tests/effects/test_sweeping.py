"""The executor without servers: what it was not told of is found, faults of kinds and deadlines end well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.contracts.codec import decode
from app.domain.effect import Effect
from app.domain.effects import EffectAttempted, WebhookDelivery
from app.domain.streams import EFFECTS_REQUESTS
from app.effects.executor import Executor
from app.effects.kind import Attempt, Outcome
from app.kafka.outgoing import Outgoing
from app.store.effects import OpenEffect
from tests.support.commits import effect
from tests.support.waiting import eventually

NOW = datetime.now(UTC)
COUNTS = {EFFECTS_REQUESTS: 4}


class Database:
    """Rows as `EffectRows` reads them; `meanwhile` runs once, in the middle of the next read."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[int, int, Effect]] = {}
        self.meanwhile: Callable[[], None] | None = None

    def put(self, each: Effect, version: int, partition: int = 0) -> None:
        self.rows[each.target, each.id] = (partition, version, each)

    async def platform(self) -> None:
        return None

    async def changed_since(self, seen: Mapping[int, int], limit: int) -> list[OpenEffect]:
        found = [
            _open(*row)
            for row in self.rows.values()
            if row[0] in seen and row[1] > seen[row[0]] and row[2].is_open
        ]
        if self.meanwhile is not None:
            now, self.meanwhile = self.meanwhile, None
            now()
        return sorted(found, key=lambda row: row.version)[:limit]

    async def of_target(self, target: str, beyond: int, limit: int) -> list[OpenEffect]:
        return []

    async def find(self, keys: Collection[tuple[str, str]]) -> list[tuple[int, int, Effect]]:
        return [self.rows[key] for key in keys if key in self.rows]


def _open(partition: int, version: int, each: Effect) -> OpenEffect:
    values = {name: getattr(each, name) for name in OpenEffect.__struct_fields__ if hasattr(each, name)}
    return msgspec.convert({**values, "partition": partition, "version": version}, OpenEffect)


class Outside:
    """A kind that keeps its attempts, and the publisher that its reports go to."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.records: list[Outgoing] = []
        self.fails = False

    async def perform(self, attempt: Attempt) -> Outcome:
        self.attempts.append(attempt)
        if self.fails:
            raise RuntimeError("a mistake of the kind's")
        return Outcome(outcome="done", status_code=200)

    async def close(self) -> None:
        return None

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records += records

    @property
    def reports(self) -> list[EffectAttempted]:
        return [decode(record.topic, record.value) for record in self.records]


class Running:
    def __init__(self) -> None:
        self.database, self.outside = Database(), Outside()
        self.decided = 0
        self.executor = Executor(
            {WebhookDelivery: self.outside},
            self.database,  # type: ignore[arg-type]
            self.outside,
            COUNTS,
            self.positions,
            self.ends,
        )

    async def positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(partitions, self.decided)

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(partitions, 10)

    async def attempted(self, *effect_ids: str) -> None:
        await eventually(
            lambda: [attempt.effect_id for attempt in self.outside.attempts] == list(effect_ids),
            10,
            "attempts",
        )


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = Running()
    task = asyncio.create_task(running.executor.run())
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await running.executor.stop(5.0)


def asked(effect_id: str, **fields: Any) -> Effect:
    return effect(id=effect_id, deadline_at=NOW + timedelta(hours=1), **fields)


async def test_open_effects_are_found_after_an_assignment(running: Running) -> None:
    running.database.put(asked("ef-1"), 5)
    running.database.put(asked("ef-2", status="done"), 6)
    running.database.put(asked("ef-3", object="other"), 7, partition=3)
    running.executor.assigned([0])
    await running.attempted("ef-1")
    await eventually(lambda: bool(running.outside.reports), 10, "the report")
    assert (running.outside.reports[0].effect_id, running.outside.reports[0].outcome) == ("ef-1", "done")


async def test_what_is_told_does_not_overtake_what_is_not_read_yet(running: Running) -> None:
    """After a takeover the lane may commit the next event before the failed one before it was read."""
    running.database.put(asked("ef-1", object="o", offset=1, status="waiting"), 5)

    def told() -> None:
        running.executor.committed(0, [(6, asked("ef-2", object="o", offset=2))], None)
        running.executor._begin()

    running.database.meanwhile = told
    running.executor.assigned([0])
    await eventually(lambda: running.executor.figures()["held"] == 2, 10, "both")
    running.executor._begin()
    assert running.outside.attempts == []
    running.database.put(asked("ef-1", object="o", offset=1), 7)
    await running.attempted("ef-1")


async def test_partitions_that_come_back_during_a_read_lose_nothing(running: Running) -> None:
    running.database.put(asked("ef-1"), 5)

    def comes_back() -> None:
        running.executor.assigned([])
        running.executor.assigned([0])

    running.database.meanwhile = comes_back
    running.executor.assigned([0])
    await running.attempted("ef-1")


async def test_what_another_worker_decided_frees_its_object(running: Running) -> None:
    """The report was decided elsewhere: nobody tells of it, the row does."""
    running.database.put(asked("ef-1", offset=1), 5)
    running.executor.assigned([0])
    await running.attempted("ef-1")
    running.database.put(asked("ef-2", offset=2), 8)
    running.database.put(asked("ef-1", offset=1, status="done"), 9)
    running.decided = 10
    await running.attempted("ef-1", "ef-2")


async def test_a_kinds_mistake_is_a_failed_attempt_and_loud(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.outside.fails = True
    running.executor.assigned([0])
    running.executor.committed(0, [(5, asked("ef-1"))], None)
    await eventually(lambda: bool(running.outside.reports), 10, "the report")
    (report,) = running.outside.reports
    assert (report.outcome, report.reason) == ("retry", "a fault of this program: RuntimeError")
    assert "a mistake of the kind's" in caplog.text
    assert running.executor.figures()["faults"] == 1


async def test_no_attempt_begins_after_the_deadline(running: Running) -> None:
    running.executor.board.start = lambda now, room: []  # type: ignore[method-assign]
    late = msgspec.structs.replace(asked("ef-1"), deadline_at=NOW - timedelta(seconds=1))
    running.database.put(late, 5)
    running.executor.assigned([0])
    await eventually(lambda: bool(running.outside.reports), 10, "the report")
    (report,) = running.outside.reports
    assert (report.outcome, report.reason) == ("retry", "not attempted: its deadline was over")
    assert running.outside.attempts == []
