"""Decides what happens next: which call is performed, when records arrive, where a fault strikes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tests.simulation.faults import ENDS_THE_CALL, FAULTS
from tests.simulation.generator import Generator
from tests.simulation.order import LAST_TIMER_MS
from tests.simulation.plans import draw_plans
from tests.simulation.steps import IDLE, Call
from tests.simulation.world import World

STEPS_TO_DRAIN: Final = 12_000
SENT_SHARE: Final = 0.75
"""Part of a schedule's records that lie in the log before upstream waits for what lanes make of them."""
INPUT_SHARE: Final = 0.5
"""Part of a schedule's records that are told as one coherent input; more comes where that is too little."""
STEP_CHANCE: Final = 0.85
SEND_CHANCE: Final = 0.4
HURRIED_MS: Final = 60
BACKUP_EVERY: Final = 150
"""Steps between two backups of the store."""


class Director:
    """Runs one schedule on `world`. `without`: numbers of planned faults to leave out."""

    def __init__(self, world: World, records: int, faults: int, without: Collection[int] = ()) -> None:
        self.world = world
        self.rng = world.rng
        self._records = records
        self._wanted = int(records * SENT_SHARE)
        self._upstream = Generator(self.rng, world.partitions, world.shape.orderly)
        self._inputs = self._upstream.inputs(int(records * INPUT_SHARE))
        plans = draw_plans(self.rng, faults, self._wanted)
        self._plans = [plan for index, plan in enumerate(plans) if index not in without]

    def run(self) -> None:
        """The whole schedule; leaves early at the first problem."""
        world = self.world
        with world.loop.running():
            try:
                for index in range(world.shape.workers):
                    world.group.start(f"worker-{index}")
                world.group.rebalance()
                self._disturb()
                self._drain()
            finally:
                world.loop.close()
        if not world.problems:
            world.checker.at_the_end()

    def _disturb(self) -> None:
        while not self.world.problems and (self._more_to_send() or self._plans):
            self._step()

    def _more_to_send(self) -> bool:
        return self.world.logged < self._wanted

    def _step(self) -> None:
        world = self.world
        tick_ms = HURRIED_MS if world.steps < world.hurry_until else world.shape.tick_ms
        world.loop.now_ms += int(self.rng.random() * tick_ms)
        self._go_on()
        if world.pending and self.rng.random() < STEP_CHANCE:
            self._perform_one()
        elif not self._act_outside() and not world.pending:
            world.skip_to_next_sleeper()
        world.loop.run_ready()

    def _go_on(self) -> None:
        world = self.world
        world.steps += 1
        if world.steps % BACKUP_EVERY == 0:
            world.backup = world.store.backup()
        world.group.go_on()
        world.wake_sleepers()
        world.loop.run_ready()

    def _perform_one(self) -> None:
        pending = self.world.pending
        index = int(self.rng.random() * len(pending))
        call = pending[index]
        pending[index] = pending[-1]
        pending.pop()
        if call.answer_later is not None:
            call.answer_later()
            return
        if call.step != IDLE:
            if self._plans and self._strike(call):
                return
            if self.world.trace is not None:
                self.world.note(call.worker.name, call.step, call.lane or "")
        call.perform()()

    def _strike(self, call: Call) -> bool:
        """Apply a planned fault here, if one waits for this step. True: the call has come to its end."""
        world = self.world
        for plan in self._plans:
            if plan.waits_for(call.step, world.logged):
                continue
            world.note("FAULT", plan.fault, "at", call.step, "of", call.worker.name, call.lane or "")
            if FAULTS[plan.fault](world, call):
                self._plans.remove(plan)
                world.met[plan.fault, call.step] += 1
                return plan.fault in ENDS_THE_CALL
            plan.missed(self.rng)
        return False

    def _act_outside(self) -> bool:
        """Upstream writes, or the framework delivers."""
        if self._more_to_send() and self.rng.random() < SEND_CHANCE:
            self._send(1 + int(self.rng.random() * 12))
            return True
        return self._deliver()

    def _send(self, count: int) -> None:
        if len(self._inputs) < count:
            self._inputs += self._upstream.inputs(2 * count)
        self.world.told += self._inputs[:count]
        self.world.append(self._inputs[:count])
        del self._inputs[:count]

    def _deliver(self) -> bool:
        world = self.world
        worker = world.some(world.group.members())
        if worker is None:
            return False
        lane = world.some([lane for lane in worker.deliverable() if world.held.get(lane, 0) <= world.steps])
        if lane is None:
            return False
        delivered = worker.deliver(lane, 1 + int(self.rng.random() * world.shape.chunk))
        if world.trace is not None:
            world.note(worker.name, "is given", delivered, "records of", lane, "up to", worker.fetch[lane])
        return True

    def _drain(self) -> None:
        """No more faults: everything that was written is decided and published, every due timer taken."""
        world = self.world
        world.held.clear()
        world.store.halted.clear()
        for worker in world.group.workers:
            world.group.wake(worker)
        jumps = [world.shape.horizon_seconds] if world.shape.horizon_seconds else []
        limit = world.steps + STEPS_TO_DRAIN
        while not world.problems:
            if self._quiet_step() and self._is_quiet():
                if world.logged < self._records:
                    self._wanted = self._records
                    self._disturb()
                elif jumps:
                    world.loop.now_ms += int(jumps.pop() * 1000)
                elif not (world.shape.orderly and self._jump_to_the_last_timer()):
                    return
            if world.steps > limit:
                world.problem(f"not drained after {STEPS_TO_DRAIN} steps: {world.standing()}")

    def _jump_to_the_last_timer(self) -> bool:
        """On to when all timers are due that will ever fire in this schedule; False where none is left."""
        store = self.world.store
        due = [at for place in store.timer_lanes if (at := store.rows[place].value.due_at_ms) < LAST_TIMER_MS]
        if due:
            self.world.loop.now_ms = max(self.world.loop.now_ms, *due)
        return bool(due)

    def _quiet_step(self) -> bool:
        """True where nothing was left to do but wait."""
        self._go_on()
        waited = False
        if self.world.pending:
            self._perform_one()
        elif not (self.world.shape.framework_delivers_at_the_end and self._deliver()):
            self.world.skip_to_next_sleeper()
            waited = True
        self.world.loop.run_ready()
        return waited

    def _is_quiet(self) -> bool:
        world = self.world
        busy = world.pending or world.group.expects_something or not world.caught_up()
        return not (busy or world.standing())
