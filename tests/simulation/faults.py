"""The faults, each applied while some worker stands at a step, and where they have been met.

A fault has the call in hand: it may kill or pause its worker, spoil the answer, or disturb the lane around it
and then let the call go on. It returns False where it cannot happen there (no other worker, nothing to skip).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from app.errors import Transient
from app.store.api import LaneId
from tests.simulation.steps import BACKOFF, STORE_STEPS, Call

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World

Fault = Callable[["World", Call], bool]


def crash_before(world: World, call: Call) -> bool:
    """The process dies; what it asked for was never sent."""
    world.group.crash(call.worker)
    return True


def crash_after(world: World, call: Call) -> bool:
    """The effect happens, the process does not learn of it."""
    world.perform_unseen(call)
    world.group.crash(call.worker)
    return True


def zombie_before(world: World, call: Call) -> bool:
    """Paused with the call still to be sent; it goes out after others have taken over."""
    if len(world.group.members()) < 2:
        return False
    world.group.pause(call.worker)
    call.worker.held_calls.append(call)
    return True


def zombie_after(world: World, call: Call) -> bool:
    """Paused between the effect and its answer, which it sees after others have taken over."""
    if len(world.group.members()) < 2:
        return False
    world.group.pause(call.worker)
    world.perform_unseen(call)
    if call.answer_later is not None:
        call.worker.held_calls.append(call)
    return True


def silent_worker(world: World, call: Call) -> bool:
    """Paused, and the group does not notice for a while: others may adopt what stands still."""
    if len(world.group.members()) < 2:
        return False
    world.group.pause(call.worker, noticed_within=400)
    world.hurry_until = world.steps + 300
    call.worker.held_calls.append(call)
    return True


def error_before(world: World, call: Call) -> bool:
    if call.step == BACKOFF:
        return False
    call.fail(Transient(f"no answer to {call.step}, nothing done"))
    return True


def error_after(world: World, call: Call) -> bool:
    """The effect happens, or half of it where there are halves, and the answer is lost."""
    if call.step == BACKOFF:
        return False
    if call.half is not None and world.rng.random() < 0.5:
        call.half()
    else:
        world.perform_unseen(call)
    call.fail(Transient(f"the answer to {call.step} was lost"))
    return True


def cancelled_agent(world: World, call: Call) -> bool:
    """A rebalance cancels the agents of the worker; transactions in flight go on."""
    tasks = [task for task in call.worker.in_hand.values() if not task.done()]
    for task in tasks:
        task.cancel()
    return bool(tasks)


def rebalance(world: World, call: Call) -> bool:
    """Partitions change hands while the call is in flight."""
    if len(world.group.members()) < 2:
        return False
    world.group.rebalance()
    return True


def repeated_delivery(world: World, call: Call) -> bool:
    """The framework hands over records again that it handed over before, beside what is in work."""
    worker = call.worker
    delivered = [lane for lane in sorted(worker.fetch) if worker.fetch[lane]]
    lane = call.lane if call.lane in delivered else world.some(delivered)
    if lane is None:
        return False
    back = 1 + int(world.rng.random() * 30)
    records = world.broker.partitions[lane].slice(max(0, worker.fetch[lane] - back), worker.fetch[lane], back)
    if records:
        worker.spawn(worker.lanes.process(lane.topic, lane.partition, records))
    return bool(records)


def skipped_delivery(world: World, call: Call) -> bool:
    """The framework swallows a fetch: it acknowledges records that nobody was given."""
    worker = call.worker
    waiting = [lane for lane in worker.fetch if worker.fetch[lane] < world.broker.partitions[lane].end]
    lane = call.lane if call.lane in waiting else world.some(waiting)
    if lane is None:
        return False
    end = world.broker.partitions[lane].end
    worker.fetch[lane] = min(end, worker.fetch[lane] + 1 + int(world.rng.random() * 40))
    return True


def forced_offsets(world: World, call: Call) -> bool:
    """Group offsets are set to anything: zero, the end, in between."""
    if not call.worker.fetch:
        return False
    for lane in sorted(call.worker.fetch):
        end = world.broker.partitions[lane].end
        call.worker.fetch[lane] = world.rng.choice((0, end, int(world.rng.random() * (end + 1))))
    return True


def held_partition(world: World, call: Call) -> bool:
    """One partition is delivered much later than the others."""
    lane = _lane_of(world, call)
    if lane is not None:
        world.held[lane] = world.steps + 300
    return lane is not None


def stale_tables(world: World, call: Call) -> bool:
    call.worker.tables.make_stale(world.rng)
    _read_tables_again(call.worker)
    return bool(call.worker.lanes.owned)


def forged_tables(world: World, call: Call) -> bool:
    call.worker.tables.forge(world.rng)
    _read_tables_again(call.worker)
    return bool(call.worker.lanes.owned)


def lost_changelog(world: World, call: Call) -> bool:
    call.worker.tables.lose()
    _read_tables_again(call.worker)
    return bool(call.worker.lanes.owned)


def adoption(world: World, call: Call) -> bool:
    """A worker that does not own the partition works on it beside its owner."""
    lane = _lane_of(world, call)
    others = [worker for worker in world.group.members() if lane not in worker.lanes.owned]
    worker = world.some(others)
    if lane is None or worker is None:
        return False
    end = world.broker.partitions[lane].end
    worker.spawn(_adopt(worker, lane, end))
    return True


def late_timers(world: World, call: Call) -> bool:
    """Time passes and no timer fires, then many are due at once."""
    world.loop.now_ms += 1_000 + int(world.rng.random() * 60_000)
    return True


def timers_fired_twice(world: World, call: Call) -> bool:
    """Another worker fires what was fired before."""
    return world.fire_again()


def restored_backup(world: World, call: Call) -> bool:
    """The database is restored from an older backup: tables, memories and the log know more than it does.

    Its connections end, so that no call and no answer reaches over from one life to the other.
    """
    if world.backup is None:
        return False
    for outstanding in (call, *world.outstanding()):
        if outstanding.step in STORE_STEPS:
            outstanding.effect = _cut_off
            if outstanding.answer_later is not None:
                outstanding.answer_later = outstanding.perform()
    world.store.restore(world.backup)
    world.checker.restored()
    return True


def _cut_off() -> None:
    raise Transient("the connection was closed")


def halted_partition(world: World, call: Call) -> bool:
    """A partition is halted in the database, and resumed by an operator later."""
    lane = _lane_of(world, call)
    if lane is None:
        return False
    world.halt(lane, within=200)
    return True


def stopped_worker(world: World, call: Call) -> bool:
    """SIGTERM: the worker finishes what it has in hand, as far as the time goes, and leaves."""
    if len(world.group.members()) < 2:
        return False
    call.worker.spawn(_stop(world, call.worker))
    return True


FAULTS: Final[dict[str, Fault]] = {
    fault.__name__: fault
    for fault in (
        crash_before,
        crash_after,
        zombie_before,
        zombie_after,
        silent_worker,
        error_before,
        error_after,
        cancelled_agent,
        rebalance,
        repeated_delivery,
        skipped_delivery,
        forced_offsets,
        held_partition,
        stale_tables,
        forged_tables,
        lost_changelog,
        adoption,
        late_timers,
        timers_fired_twice,
        restored_backup,
        halted_partition,
        stopped_worker,
    )
}
ENDS_THE_CALL: Final = frozenset(
    {"crash_before", "crash_after", "zombie_before", "zombie_after", "silent_worker"}
    | {"error_before", "error_after"}
)
"""After these the call is not performed any more."""


def _lane_of(world: World, call: Call) -> LaneId | None:
    """The call's lane, else one of the worker's."""
    return call.lane if call.lane is not None else world.some(sorted(call.worker.lanes.owned))


def _read_tables_again(worker: Worker) -> None:
    """Tables are looked at only where a lane has forgotten its own rows."""
    for lane in sorted(worker.lanes.owned):
        worker.spawn(worker.lanes[lane].forget())


async def _adopt(worker: Worker, lane: LaneId, end: int) -> None:
    lanes = worker.lanes
    await lanes[lane].forget()
    await lanes[lane].catch_up(end)


async def _stop(world: World, worker: Worker) -> None:
    await worker.lanes.drain(within_seconds=2)
    if worker.alive:
        world.group.crash(worker)
