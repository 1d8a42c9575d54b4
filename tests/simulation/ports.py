"""What a worker's lanes are given for PostgreSQL, Kafka and Faust: each call is one step of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from app.domain.state import Ref
from app.kafka.publisher import Outgoing
from app.lane.outgoing import pack
from app.lane.ports import LogRecord
from app.store.api import Commit, DueTimer, LaneId, OutboxRow, Position, Store, Versioned
from tests.simulation.tables import SimulatedTables

if TYPE_CHECKING:
    from tests.simulation.worker import Worker

T = TypeVar("T")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine of the store in memory, which waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("the store in memory waited for something")


class StepStore:
    """The shared store as one worker reaches it."""

    def __init__(self, worker: Worker, store: Store) -> None:
        self._worker = worker
        self._store = store
        self.leftover: dict[LaneId, set[int]] = {}

    async def position(self, lane: LaneId) -> Position:
        return await self._step("position", lane, lambda: self._store.position(lane))

    async def positions(self, lanes: Collection[LaneId]) -> dict[LaneId, Position]:
        return await self._step("positions", None, lambda: self._store.positions(lanes))

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        return await self._step("load", lane, lambda: self._store.load(lane, refs))

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        return await self._step("known_ids", lane, lambda: self._store.known_ids(lane, ids))

    async def commit(self, commit: Commit) -> None:
        world = self._worker.world

        def effect() -> None:
            try:
                at_once(self._store.commit(commit))
            except Exception as refusal:
                world.checker.refused(commit, refusal)
                raise
            world.committed(commit)

        await self._worker.call("commit", commit.lane, effect)

    async def outbox(self, lanes: Collection[LaneId]) -> list[OutboxRow]:
        (lane,) = lanes
        rows: list[OutboxRow] = await self._step("leftovers", lane, lambda: self._store.outbox(lanes))
        self.leftover[lane] = {row.first_offset for row in rows}
        return rows

    async def outbox_ages(self, lanes: Collection[LaneId]) -> dict[LaneId, float]:
        return await self._step("outbox_ages", None, lambda: self._store.outbox_ages(lanes))

    async def adopt(self, lane: LaneId, worker_id: str, seconds: float) -> bool:
        return await self._step("adopt", lane, lambda: self._store.adopt(lane, worker_id, seconds))

    async def outbox_done(self, lane: LaneId, first_offsets: Collection[int]) -> None:
        left = self.leftover.get(lane, set()) & set(first_offsets)
        step = "leftover_done" if left else "outbox_done"
        await self._step(step, lane, lambda: self._store.outbox_done(lane, first_offsets))

    async def take_due_timers(
        self, lanes: Collection[LaneId], now: datetime, limit: int, refire_after_seconds: float
    ) -> list[DueTimer]:
        return await self._step(
            "due_timers", None, lambda: self._store.take_due_timers(lanes, now, limit, refire_after_seconds)
        )

    async def strike(self, lane: LaneId, offset: int, reason: str) -> int:
        self._worker.world.problem(f"fail-stop of {lane} at offset {offset}: {reason}")
        return 1

    async def halt(self, lane: LaneId, reason: str) -> None:
        self._worker.world.problem(f"{lane} was halted: {reason}")

    async def _step(self, step: str, lane: LaneId | None, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        answer: T = await self._worker.call(step, lane, lambda: at_once(call()))
        return answer


class StepReader:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def read(
        self, topic: str, partition: int, start: int, upto: int, max_records: int
    ) -> tuple[Sequence[LogRecord], int]:
        lane, broker = LaneId(topic, partition), self._worker.world.broker
        found: tuple[Sequence[LogRecord], int] = await self._worker.call(
            "read_log", lane, lambda: broker.read(lane, start, upto, max_records)
        )
        return found

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        broker = self._worker.world.broker
        ends: Mapping[tuple[str, int], int] = await self._worker.call(
            "end_offsets", None, lambda: broker.end_offsets(partitions)
        )
        return ends


class StepPublisher:
    """Publishing of lanes. What goes out must lie in a committed batch at that very moment."""

    def __init__(self, worker: Worker, store: StepStore) -> None:
        self._worker = worker
        self._store = store

    async def publish(self, records: Sequence[Outgoing]) -> None:
        world = self._worker.world
        batch = world.batch_of(pack(records))
        lane = None if batch is None else batch[0]
        left = batch is not None and batch[1] in self._store.leftover.get(batch[0], ())
        await self._worker.call(
            "publish_leftover" if left else "publish",
            lane,
            lambda: world.publish(records, lane),
            half=lambda: world.publish(records[: len(records) // 2], lane),
        )


class StepTimerPublisher:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if not records:
            return
        world = self._worker.world
        await self._worker.call(
            "publish_timers",
            None,
            lambda: world.fire(records),
            half=lambda: world.fire(records[: len(records) // 2]),
        )


class StepTables:
    """Reading is a look into the process's own memory; writing waits for the changelog."""

    def __init__(self, worker: Worker, tables: SimulatedTables) -> None:
        self._worker = worker
        self._tables = tables
        self.read = tables.read
        self.known_id = tables.known_id
        self.caches = tables.caches

    async def write(
        self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Iterable[tuple[str, str, bytes, int]]
    ) -> None:
        await self._worker.call("tables", lane, lambda: self._tables.put(lane, rows, ids))
