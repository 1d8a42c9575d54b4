"""One schedule's world: a shared log and store, the workers over it, and what is outstanding.

Nothing happens by itself. Every call of a worker to the world waits in `pending` until it is chosen; then it
happens at once and the worker goes on to its next call. Between any two steps another worker may go on,
records may arrive, a fault may strike (`director.py`). The same seed gives the same schedule.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from app.store.api import Commit, LaneId
from tests.simulation.broker import Broker
from tests.simulation.group import Group
from tests.simulation.invariants import Checker
from tests.simulation.loop import SimulatedLoop
from tests.simulation.plant import NOTHING, Plant
from tests.simulation.psp import SimulatedPsp
from tests.simulation.shape import draw_shape
from tests.simulation.steps import Call
from tests.simulation.tables import Changelog
from tests.simulation.worker import Worker

T = TypeVar("T")
START_MS: Final = 1_795_176_000_000
"""20 November 2026, 12:00 UTC."""


class World:
    """`problems` stays empty in a schedule that went well; `met` counts faults by (fault, step).

    `told`: what came from outside, in its order.
    `logged`: records that lanes have to decide, from upstream, other lanes and timers.
    `held`: lane -> the step until which the framework does not deliver it.
    `hurry_until`: the step until which more time than usual passes between two steps.
    """

    def __init__(self, seed: int, *, plant: Plant = NOTHING, traced: bool = False) -> None:
        self.rng = Random(seed)
        self.shape = draw_shape(self.rng)
        self.rules = RULES
        self.partitions = self.shape.partitions
        self.loop = SimulatedLoop(START_MS)  # type: ignore[abstract]  # what has no part in a simulation
        self.loop.on_failure = self._failed_task
        self.broker = Broker(self.partitions)
        self.store = plant.store(self.loop.time)
        self.lane_ids = [LaneId(topic, index) for topic in RULES for index in range(self.partitions[topic])]
        self.changelogs = {lane: Changelog() for lane in self.lane_ids}
        self.problems: list[str] = []
        self.checker = Checker(self.store, self.problem)
        self.group = Group(self)
        partitions = self.partitions[PAYMENTS_COMMANDS]
        self.psp = SimulatedPsp(Random(seed), partitions, self.group.soon, self.append)
        self.met: Counter[tuple[str, str]] = Counter()
        self.trace: list[str] | None = [] if traced else None
        self.published: dict[LaneId, list[Outgoing]] = {lane: [] for lane in self.lane_ids}
        self.told: list[Outgoing] = []
        self.pending: list[Call] = []
        self.held: dict[LaneId, int] = {}
        self.hurry_until = 0
        self.backup: dict[str, Any] | None = None
        self.steps = 0
        self.logged = 0
        self._sleepers: list[tuple[float, int, Call]] = []
        self._count = 0
        self._batches: dict[bytes, tuple[LaneId, int]] = {}
        self._fired: list[Outgoing] = []

    def asked(self, call: Call) -> None:
        self.pending.append(call)

    def asked_to_wait(self, call: Call, seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._sleepers, (self.loop.now_ms + seconds * 1000, self._count, call))

    def take_calls_of(self, worker: Worker) -> list[Call]:
        """Its outstanding calls, which are pending no longer."""
        taken = [call for call in self.pending if call.worker is worker]
        self.pending = [call for call in self.pending if call.worker is not worker]
        return taken

    def outstanding(self) -> list[Call]:
        """Calls that wait for their turn or for their worker to wake."""
        return [*self.pending, *(call for worker in self.group.workers for call in worker.held_calls)]

    def wake_sleepers(self) -> None:
        """Pauses that have ended become steps like any other."""
        sleepers = self._sleepers
        while sleepers and sleepers[0][0] <= self.loop.now_ms:
            call = heapq.heappop(sleepers)[2]
            if call.worker.paused:
                call.worker.held_calls.append(call)
            elif call.worker.alive:
                self.pending.append(call)

    def skip_to_next_sleeper(self) -> None:
        if self._sleepers:
            self.loop.now_ms = max(self.loop.now_ms, int(self._sleepers[0][0]) + 1)

    def halt(self, lane: LaneId, within: int) -> None:
        """Halted now, resumed some steps later."""
        self.store.halted.setdefault(lane, "by an operator")
        self.group.soon(within, partial(self._resume, lane))

    def _resume(self, lane: LaneId) -> None:
        self.store.halted.pop(lane, None)

    def position(self, lane: LaneId) -> int:
        return self.store.next_offsets.get(lane, 0)

    def committed(self, commit: Commit) -> None:
        if commit.outbox:
            self._batches[commit.outbox] = (commit.lane, commit.first)
        self.checker.committed(commit)

    def batch_of(self, payload: bytes) -> tuple[LaneId, int] | None:
        """The committed batch that has this output: its lane and first offset."""
        return self._batches.get(payload)

    def publish(self, records: Sequence[Outgoing], lane: LaneId | None) -> None:
        """A lane's output reaches the log."""
        if lane is None:
            self.problem(f"published without a committed batch: {records[0].topic} {records[0].value!r}")
            return
        self.published[lane].extend(records)
        self.append(records)
        self.psp.hear(records)

    def fire(self, records: Sequence[Outgoing]) -> None:
        """Timers' records reach the log."""
        self._fired.extend(records)
        self.append(records)

    def fire_again(self) -> bool:
        """The last timers once more; False where none has fired yet."""
        again = self._fired[-5:]
        self.append(again)
        return bool(again)

    def append(self, records: Sequence[Outgoing]) -> None:
        """To the log, now and then with a transaction's marker after them."""
        self.broker.append(records, self.loop.now_ms)
        self.logged += sum(record.topic in RULES for record in records)
        chance = self.shape.gap_chance
        if chance and records and self.rng.random() < chance:
            self.broker.mark(LaneId(records[-1].topic, records[-1].partition))

    def problem(self, text: str) -> None:
        self.note("PROBLEM", text)
        self.problems.append(text)

    def note(self, *what: object) -> None:
        if self.trace is not None:
            elapsed = self.loop.now_ms - START_MS
            self.trace.append(f"{self.steps:6d} {elapsed:9d} ms  " + " ".join(map(str, what)))

    def some(self, among: Sequence[T]) -> T | None:
        """One of them, as the seed will have it."""
        return among[int(self.rng.random() * len(among))] if among else None

    def perform_unseen(self, call: Call) -> None:
        """The effect happens; the answer waits."""
        call.answer_later = call.perform()

    def caught_up(self) -> bool:
        """Whether every lane has decided what its log holds."""
        return all(self.position(lane) == self.broker.partitions[lane].end for lane in self.lane_ids)

    def standing(self) -> dict[str, Any]:
        """What still waits to be done, by name; empty when everything is."""
        waiting: dict[str, Any] = {}
        for lane in self.lane_ids:
            end = self.broker.partitions[lane].end
            if self.position(lane) != end:
                waiting[str(lane)] = f"position {self.position(lane)}, end {end}"
        for lane, first in self.store.outbox_rows:
            waiting[f"outbox of {lane}"] = f"batch at {first}"
        for place in self.store.timer_lanes:
            overdue = self.loop.now_ms - self.store.rows[place].value.due_at_ms
            if overdue >= 0:
                waiting[f"timer {place[1].key}"] = f"due {overdue} ms ago"
        return waiting

    def _failed_task(self, error: BaseException) -> None:
        self.problem(f"a task failed: {error!r}")
