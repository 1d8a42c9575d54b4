"""The consumer group: which workers there are, who owns which partition, and when they learn of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

from app.store.api import LaneId
from tests.simulation.worker import Worker

if TYPE_CHECKING:
    from tests.simulation.world import World

RESTART_WITHIN = 60
EXPIRES_WITHIN = 40
TOLD_WITHIN = 8
"""In steps of the world: until a crashed worker is back, its session expires, members know what they own."""


class Group:
    """Crashed workers stay in `graveyard`, so that nothing of them runs again, not even its cleaning up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.workers: list[Worker] = []
        self.graveyard: list[Worker] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._generation = 0

    @property
    def expects_something(self) -> bool:
        """Whether somebody is still to start, to wake or to be told."""
        return bool(self._events)

    def members(self) -> list[Worker]:
        """Workers that the group knows and that answer it."""
        return [worker for worker in self.workers if worker.alive and not worker.paused]

    def start(self, name: str) -> None:
        worker = Worker(self._world, name)
        self.workers.append(worker)
        worker.start()
        self.soon(20, self.rebalance)

    def crash(self, worker: Worker) -> None:
        """The process is gone at once; the group notices later, and a new one is started."""
        worker.crash()
        self.graveyard.append(worker)
        self.workers.remove(worker)
        self._world.take_calls_of(worker)
        self.soon(EXPIRES_WITHIN, self.rebalance)
        self.soon(RESTART_WITHIN, partial(self.start, worker.name))

    def pause(self, worker: Worker, noticed_within: int = 0) -> None:
        """Its partitions are given away, at once or within some steps; it wakes later and knows nothing."""
        worker.paused = True
        worker.held_calls += self._world.take_calls_of(worker)
        if noticed_within:
            self.soon(noticed_within, self.rebalance)
        else:
            self.rebalance()
        self.soon(noticed_within + 60, partial(self.wake, worker))

    def wake(self, worker: Worker) -> None:
        """It goes on where it stood, with its old memory, tables and call; only later is it told."""
        if not worker.alive or not worker.paused:
            return
        self._world.note("wakes", worker.name)
        worker.paused = False
        self._world.pending += worker.held_calls
        worker.held_calls = []
        self.soon(EXPIRES_WITHIN, partial(self._tell, worker, frozenset(), self._generation))
        self.soon(60, self.rebalance)

    def rebalance(self) -> None:
        """Give every partition to some member. Members learn of it one after the other."""
        members = self.members()
        if not members:
            return
        self._generation += 1
        owned: dict[Worker, set[LaneId]] = {worker: set() for worker in members}
        for lane in self._world.lane_ids:
            owned[members[int(self._world.rng.random() * len(members))]].add(lane)
        for worker, lanes in owned.items():
            self.soon(TOLD_WITHIN, partial(self._tell, worker, lanes, self._generation))

    def go_on(self) -> None:
        """Let happen what is due at this step."""
        while self._events and self._events[0][0] <= self._world.steps:
            heapq.heappop(self._events)[2]()

    def _tell(self, worker: Worker, owned: Collection[LaneId], generation: int) -> None:
        current = generation == self._generation and worker.alive and not worker.paused
        if current and worker.lanes.owned != owned:
            self._world.note(worker.name, "owns", ", ".join(map(str, sorted(owned))))
            worker.assign(owned)

    def soon(self, within: int, event: Callable[[], None]) -> None:
        """Let `event` happen at some step among the next `within`."""
        self._count += 1
        at = self._world.steps + 1 + int(self._world.rng.random() * within)
        heapq.heappush(self._events, (at, self._count, event))
