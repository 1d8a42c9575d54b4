"""One worker process: its own lanes, memory, tables, watchdog and pump over the shared log and store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from app.errors import Transient
from app.lane.lanes import Lanes
from app.lane.ports import Deps, Settings
from app.lane.timer_pump import TimerPump, TimerSettings
from app.lane.watchdog import Watchdog, WatchdogSettings
from app.store.api import LaneId
from tests.simulation.ports import StepPublisher, StepReader, StepStore, StepTables, StepTimerPublisher
from tests.simulation.steps import BACKOFF, IDLE, Call
from tests.simulation.tables import SimulatedTables

if TYPE_CHECKING:
    from tests.simulation.world import World


class Left(BaseException):
    """The worker ended its own process."""


class Worker:
    """`alive` ends with a crash; a `paused` worker is a zombie in the making: nothing of it goes on."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.paused = False
        self.fetch: dict[LaneId, int] = {}
        self.in_hand: dict[LaneId, asyncio.Task[None]] = {}
        self.held_calls: list[Call] = []
        self.tables = SimulatedTables(world.changelogs, world.shape.cached_kinds, world.shape.dedup_table)
        deps = self._deps()
        self.lanes = Lanes(world.rules, deps)
        self.watchdog = Watchdog(self.lanes, self._waiting_idle(deps), self._watchdog_settings())
        self.pump = TimerPump(self.lanes, self._pump_deps(deps), TimerSettings(limit=world.shape.timer_limit))
        self._tasks: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        """Watchdog and pump start with the process, whatever it owns."""
        self.spawn(self.watchdog.run())
        self.spawn(self._fire_timers())

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self.world.loop.create_task(work)
        self._tasks.append(task)
        return task

    async def call(
        self,
        step: str,
        lane: LaneId | None,
        effect: Callable[[], Any],
        half: Callable[[], Any] | None = None,
    ) -> Any:
        """Ask the world for one step; the answer comes when it chooses, or never."""
        future = self.world.loop.create_future()
        if self.alive:
            self.world.asked(Call(self, step, lane, effect, future, half))
        return await future

    async def sleep(self, step: str, seconds: float) -> None:
        future = self.world.loop.create_future()
        if self.alive:
            self.world.asked_to_wait(Call(self, step, None, _nothing, future), seconds)
        await future

    def assign(self, owned: Collection[LaneId]) -> None:
        """The group's membership has changed: new partitions are sought to the position in the store."""
        for gone in self.lanes.owned.difference(owned):
            self.fetch.pop(gone, None)
        for lane in sorted(owned):
            if lane not in self.lanes.owned:
                self.fetch[lane] = self.world.position(lane)
        self.tables.assign(owned)
        self.spawn(self.lanes.assign(owned))

    def deliver(self, lane: LaneId, limit: int) -> int:
        """Hand over the next fetch, as an agent would; returns how many records that were."""
        start = self.fetch[lane]
        records = self.world.broker.partitions[lane].slice(start, 1 << 62, limit)
        if records:
            self.fetch[lane] = records[-1].offset + 1
            self.in_hand[lane] = self.spawn(self.lanes.process(lane.topic, lane.partition, records))
        return len(records)

    def deliverable(self) -> list[LaneId]:
        """Owned partitions whose agent is free and whose log goes on beyond what was fetched."""
        ready = []
        for lane in self.lanes.owned:
            task = self.in_hand.get(lane)
            free = (task is None or task.done()) and lane in self.fetch
            if free and self.world.broker.partitions[lane].has_from(self.fetch[lane]):
                ready.append(lane)
        ready.sort()
        return ready

    def crash(self) -> None:
        self.alive = False
        self.held_calls.clear()

    def _leave(self, reason: str) -> NoReturn:
        self.world.problem(f"{self.name} left: {reason}")
        raise Left(reason)

    async def _fire_timers(self) -> None:
        """As `TimerPump.run`, by a clock that may be ahead of the broker's."""
        ahead = self.world.shape.clock_ahead_ms / 1000
        while True:
            with suppress(Transient):
                await self.pump.fire(datetime.fromtimestamp(self.world.loop.time() + ahead, UTC))
            await self.sleep(IDLE, self.world.shape.pump_seconds)

    def _deps(self) -> Deps:
        store = StepStore(self, self.world.store)
        return Deps(
            store=store,
            reader=StepReader(self),
            publisher=StepPublisher(self, store),
            tables=StepTables(self, self.tables),
            partitions=self.world.partitions,
            leave=self._leave,
            sleep=partial(self.sleep, BACKOFF),
            monotonic=self.world.loop.time,
            settings=Settings(batch_max_records=self.world.shape.batch_max_records),
        )

    def _waiting_idle(self, deps: Deps) -> Deps:
        return _replaced(deps, sleep=partial(self.sleep, IDLE))

    def _pump_deps(self, deps: Deps) -> Deps:
        return _replaced(deps, publisher=StepTimerPublisher(self))

    def _watchdog_settings(self) -> WatchdogSettings:
        shape = self.world.shape
        return WatchdogSettings(
            every_seconds=shape.watchdog_seconds,
            tail_seconds=shape.tail_seconds,
            adopt_seconds=shape.adopt_seconds,
            outbox_age_seconds=shape.outbox_age_seconds,
            worker_id=self.name,
        )


def _replaced(deps: Deps, **changes: Any) -> Deps:
    fields: Mapping[str, Any] = {name: getattr(deps, name) for name in deps.__struct_fields__}
    return Deps(**{**fields, **changes})


def _nothing() -> None:
    return None
