"""One schedule: a shared log and store, workers over it, and a seed that decides what happens next.

Nothing happens by itself. Every call of a worker to the world waits in `pending` until it is chosen; then it
happens at once and the worker goes on to its next call. Between any two steps another worker may go on, records
may arrive, a fault may strike. The same seed gives the same schedule.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from app.store.api import Commit, LaneId
from tests.simulation.broker import Broker
from tests.simulation.faults import ENDS_THE_CALL, FAULTS, draw_plans
from tests.simulation.generator import inputs
from tests.simulation.invariants import Checker
from tests.simulation.loop import SimulatedLoop
from tests.simulation.plant import NOTHING, Plant
from tests.simulation.shape import draw_shape
from tests.simulation.steps import IDLE, Call
from tests.simulation.tables import Changelog
from tests.simulation.worker import Worker

T = TypeVar("T")
START_MS: Final = 1_795_176_000_000
"""20 November 2026, 12:00 UTC."""
STEPS_TO_DRAIN: Final = 60_000
SENT_SHARE: Final = 0.75
PATIENCE: Final = 400
"""Steps after which a fault that finds no occasion is replaced by another."""


class World:
    """`problems` stays empty in a schedule that went well; `met` counts faults by (fault, step)."""

    def __init__(
        self,
        seed: int,
        records: int = 200,
        faults: int = 3,
        *,
        plant: Plant = NOTHING,
        without: Collection[int] = (),
        traced: bool = False,
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.shape = draw_shape(self.rng)
        self.rules = RULES
        self.partitions = self.shape.partitions
        self.loop = SimulatedLoop(START_MS)
        self.loop.on_failure = self._failed_task
        self.broker = Broker(self.partitions)
        self.store = plant.store(self.loop.time)
        self.lane_ids = [LaneId(topic, index) for topic in RULES for index in range(self.partitions[topic])]
        self.changelogs = {lane: Changelog() for lane in self.lane_ids}
        self.problems: list[str] = []
        self.checker = Checker(self.store, self.problem)
        self.met: Counter[tuple[str, str]] = Counter()
        self.trace: list[str] | None = [] if traced else None
        self.published: dict[LaneId, list[Outgoing]] = {lane: [] for lane in self.lane_ids}
        self.steps = 0
        self.workers: list[Worker] = []
        self.graveyard: list[Worker] = []
        self.pending: list[Call] = []
        self._sleepers: list[tuple[float, int, Call]] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._generation = 0
        self._records = records
        self._wanted = int(records * SENT_SHARE)
        self._inputs = inputs(self.rng, self.partitions, records)
        self._sent = 0
        self._logged = 0
        plans = draw_plans(self.rng, faults, records)
        self._plans = [plan for index, plan in enumerate(plans) if index not in without]
        self._held: dict[LaneId, int] = {}
        self._batches: dict[bytes, tuple[LaneId, int]] = {}
        self._fired: list[Outgoing] = []
        self._draining = False

    # -- what workers ask ----------------------------------------------------------------------------------

    def asked(self, call: Call) -> None:
        self.pending.append(call)

    def asked_to_wait(self, call: Call, seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._sleepers, (self.loop.now_ms + seconds * 1000, self._count, call))

    def position(self, lane: LaneId) -> int:
        return self.store.next_offsets.get(lane, 0)

    def committed(self, commit: Commit) -> None:
        if commit.outbox:
            self._batches[commit.outbox] = (commit.lane, commit.first)
        self.checker.committed(commit)

    def batch_of(self, payload: bytes) -> tuple[LaneId, int] | None:
        return self._batches.get(payload)

    def publish(self, records: Sequence[Outgoing], lane: LaneId | None) -> None:
        """A lane's output reaches the log."""
        if lane is None:
            self.problem(f"published without a committed batch: {records[0].topic} {records[0].value!r}")
            return
        self.published[lane].extend(records)
        self._append(records)

    def fire(self, records: Sequence[Outgoing]) -> None:
        self._fired.extend(records)
        self._append(records)

    def fire_again(self) -> bool:
        again = self._fired[-5:]
        self._append(again)
        return bool(again)

    @property
    def logged(self) -> int:
        """Records that lanes have to decide, from upstream, other lanes and timers."""
        return self._logged

    def _append(self, records: Sequence[Outgoing]) -> None:
        self.broker.append(records, self.loop.now_ms)
        self._logged += sum(record.topic in RULES for record in records)
        chance = self.shape.gap_chance
        if chance and records and self.rng.random() < chance:
            self.broker.mark(LaneId(records[-1].topic, records[-1].partition))

    # -- what faults do ------------------------------------------------------------------------------------

    def problem(self, text: str) -> None:
        self.note("PROBLEM", text)
        self.problems.append(text)

    def note(self, *what: object) -> None:
        if self.trace is not None:
            self.trace.append(
                f"{self.steps:6d} {self.loop.now_ms - START_MS:9d} ms  " + " ".join(map(str, what))
            )

    def some(self, among: Sequence[T]) -> T | None:
        return among[int(self.rng.random() * len(among))] if among else None

    def members(self) -> list[Worker]:
        """Workers that the group knows and that answer it."""
        return [worker for worker in self.workers if worker.alive and not worker.paused]

    def perform_unseen(self, call: Call) -> None:
        """The effect happens; the answer waits."""
        call.answer_later = call.perform()

    def crash(self, worker: Worker) -> None:
        worker.crash()
        self.graveyard.append(worker)
        self.workers.remove(worker)
        self.pending = [call for call in self.pending if call.worker is not worker]
        self._soon(40, self.rebalance)
        self._soon(60, partial(self._start, worker.name))

    def pause(self, worker: Worker) -> None:
        """The group gives its partitions away; it wakes right after, knowing nothing of it."""
        worker.paused = True
        worker.held_calls += [call for call in self.pending if call.worker is worker]
        self.pending = [call for call in self.pending if call.worker is not worker]
        self.rebalance()
        self._soon(60, partial(self._wake, worker))

    def rebalance(self) -> None:
        """Give every partition to some member. Members learn of it one after the other."""
        members = self.members()
        if not members:
            return
        self._generation += 1
        generation = self._generation
        owned: dict[Worker, set[LaneId]] = {worker: set() for worker in members}
        for lane in self.lane_ids:
            owned[members[int(self.rng.random() * len(members))]].add(lane)
        for worker, lanes in owned.items():
            self._soon(8, partial(self._tell, worker, lanes, generation))

    def hold(self, lane: LaneId) -> None:
        self._held[lane] = self.steps + 300

    def pass_time(self, milliseconds: int) -> None:
        self.loop.now_ms += milliseconds

    def _wake(self, worker: Worker) -> None:
        if not worker.alive or not worker.paused:
            return
        self.note("wakes", worker.name)
        worker.paused = False
        self.pending += worker.held_calls
        worker.held_calls = []
        self._soon(40, partial(self._tell, worker, frozenset(), self._generation))
        self._soon(60, self.rebalance)

    def _tell(self, worker: Worker, owned: Collection[LaneId], generation: int) -> None:
        current = generation == self._generation and worker.alive and not worker.paused
        if current and worker.lanes.owned != owned:
            self.note(worker.name, "owns", ", ".join(map(str, sorted(owned))))
            worker.assign(owned)

    def _start(self, name: str) -> None:
        worker = Worker(self, name)
        self.workers.append(worker)
        worker.start()
        self._soon(20, self.rebalance)

    def _soon(self, within: int, event: Callable[[], None]) -> None:
        self._count += 1
        at = self.steps + 1 + int(self.rng.random() * within)
        heapq.heappush(self._events, (at, self._count, event))

    def _failed_task(self, error: BaseException) -> None:
        self.problem(f"a task failed: {error!r}")

    # -- the schedule --------------------------------------------------------------------------------------

    def run(self) -> None:
        """The whole schedule; leaves early at the first problem."""
        with self.loop.running():
            try:
                for index in range(self.shape.workers):
                    self._start(f"worker-{index}")
                self.rebalance()
                self._disturbed()
                self._drain()
            finally:
                self.loop.close()
        if not self.problems:
            self.checker.at_the_end()

    def _disturbed(self) -> None:
        while not self.problems and (self._more_to_send() or self._plans):
            self._step()

    def _more_to_send(self) -> bool:
        """What lanes make of the input counts as well, and some of that is still to come."""
        return self._logged < self._wanted and self._sent < len(self._inputs)

    def _step(self) -> None:
        self.steps += 1
        self.loop.now_ms += int(self.rng.random() * self.shape.tick_ms)
        while self._events and self._events[0][0] <= self.steps:
            heapq.heappop(self._events)[2]()
        self._wake_sleepers()
        self.loop.run_ready()
        if self.pending and self.rng.random() < 0.85:
            self._perform_one()
        elif not self._act_outside() and not self.pending:
            self._skip_to_next_sleeper()
        self.loop.run_ready()

    def _wake_sleepers(self) -> None:
        sleepers = self._sleepers
        while sleepers and sleepers[0][0] <= self.loop.now_ms:
            call = heapq.heappop(sleepers)[2]
            if call.worker.paused:
                call.worker.held_calls.append(call)
            elif call.worker.alive:
                self.pending.append(call)

    def _skip_to_next_sleeper(self) -> None:
        if self._sleepers:
            self.loop.now_ms = max(self.loop.now_ms, int(self._sleepers[0][0]) + 1)

    def _perform_one(self) -> None:
        pending = self.pending
        index = int(self.rng.random() * len(pending))
        call = pending[index]
        pending[index] = pending[-1]
        pending.pop()
        if call.answer_later is not None:
            call.answer_later()
            return
        if self._plans and not self._draining and call.step != IDLE and self._strike(call):
            return
        if self.trace is not None and call.step != IDLE:
            self.note(call.worker.name, call.step, call.lane or "")
        call.perform()()

    def _strike(self, call: Call) -> bool:
        """Apply a planned fault here, if one waits for this step. True: the call has come to its end."""
        for plan in self._plans:
            if plan.after > self._logged:
                continue
            plan.patience -= 1
            if plan.step != call.step and plan.patience > 0:
                continue
            self.note("FAULT", plan.fault, "at", call.step, "of", call.worker.name, call.lane or "")
            if FAULTS[plan.fault](self, call):
                self._plans.remove(plan)
                self.met[plan.fault, call.step] += 1
                return plan.fault in ENDS_THE_CALL
            if plan.patience < -PATIENCE:
                plan.fault = self.rng.choice(tuple(FAULTS))
        return False

    def _act_outside(self) -> bool:
        """Upstream writes, or the framework delivers."""
        if self._more_to_send() and self.rng.random() < 0.4:
            count = 1 + int(self.rng.random() * 12)
            self._append(self._inputs[self._sent : self._sent + count])
            self._sent += count
            return True
        return self._deliver()

    def _deliver(self) -> bool:
        worker = self.some(self.members())
        if worker is None:
            return False
        lane = self.some([lane for lane in worker.deliverable() if self._held.get(lane, 0) <= self.steps])
        if lane is None:
            return False
        delivered = worker.deliver(lane, 1 + int(self.rng.random() * self.shape.chunk))
        if self.trace is not None:
            self.note(worker.name, "is given", delivered, "records of", lane, "up to", worker.fetch[lane])
        return True

    # -- the end -------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """No more faults: everything that was written is decided and published, every due timer taken."""
        self._draining = True
        self._held.clear()
        for worker in self.workers:
            self._wake(worker)
        jumps = [self.shape.horizon_seconds] if self.shape.horizon_seconds else []
        limit = self.steps + STEPS_TO_DRAIN
        while not self.problems:
            if self._quiet_step() and self._is_quiet():
                if self._logged < self._records and self._sent < len(self._inputs):
                    self._wanted = self._records
                    self._disturbed()
                    continue
                if not jumps:
                    return
                self.loop.now_ms += int(jumps.pop() * 1000)
            if self.steps > limit:
                self.problem(f"not drained after {STEPS_TO_DRAIN} steps: {self._standing()}")

    def _quiet_step(self) -> bool:
        """True where nothing was left to do but wait."""
        self.steps += 1
        waited = False
        while self._events and self._events[0][0] <= self.steps:
            heapq.heappop(self._events)[2]()
        self._wake_sleepers()
        self.loop.run_ready()
        if self.pending:
            self._perform_one()
        elif not (self.shape.framework_delivers_at_the_end and self._deliver()):
            self._skip_to_next_sleeper()
            waited = True
        self.loop.run_ready()
        return waited

    def _is_quiet(self) -> bool:
        return not (self.pending or self._events or self._standing())

    def _standing(self) -> dict[str, Any]:
        """What still waits, by lane; empty when everything is done."""
        waiting: dict[str, Any] = {}
        for lane in self.lane_ids:
            end = self.broker.partitions[lane].end
            if self.position(lane) != end:
                waiting[str(lane)] = (self.position(lane), end)
        for lane, first in self.store.outbox_rows:
            waiting[f"outbox of {lane}"] = first
        now = self.loop.now_ms
        for place in self.store.timer_lanes:
            if self.store.rows[place].value.due_at_ms <= now:
                waiting[f"timer {place[1].key}"] = self.store.rows[place].value.due_at_ms - now
        return waiting


def pairs_met(total: Counter[tuple[str, str]], step: str) -> Counter[str]:
    return Counter({fault: count for (fault, at), count in total.items() if at == step})
