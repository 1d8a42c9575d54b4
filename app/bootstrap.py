"""The composition root: what a worker runs beside Faust, made from the settings, in one place."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from time import monotonic
from typing import Any, Final, NoReturn

from app.contracts.topics import TOPICS
from app.domain.alert_rules import AlertConfiguration
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_COMMANDS, PAYMENTS_EVENTS
from app.effects.committed import TellingTables
from app.effects.executor import Executor
from app.effects.kinds import open_alert_kinds, open_kinds
from app.effects.outage import OutageWatch
from app.events_keeper import FETCH_MIN_BYTES, EventsKeeper
from app.garbage import collect_by_the_clock
from app.handover.batch import Batch
from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader
from app.kafka.tail import LogTail
from app.lane.auditor import Auditor
from app.lane.catalogue import RULES
from app.lane.heartbeat import Heartbeat
from app.lane.lanes import Lanes
from app.lane.observer import Observer
from app.lane.ports import Deps, Tables
from app.lane.ports import Settings as LaneSettings
from app.lane.timer_pump import TimerPump, TimerSettings
from app.lane.watchdog import Watchdog, WatchdogSettings
from app.settings import Settings
from app.store.api import LaneId
from app.store.conditions import answers, look
from app.store.effects import EffectRows
from app.store.events import EventRows
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from app.store.verify_schedule import verify_if_due
from app.store.workers import WorkerRows

log: Final = logging.getLogger(__name__)
FAIL_STOP_EXIT: Final = 70
"""Exit code of a fail-stop (sysexits.h: internal software error); a supervisor restarts the worker."""
DRAIN_SECONDS: Final = 8.0
RESTART_PAUSE_SECONDS: Final = 1.0


def leave(reason: str) -> NoReturn:
    """Ends the process at once: neither finalizers nor a shutdown commit may run after a broken invariant."""
    log.critical("fail-stop: %s", reason)
    logging.shutdown()
    os._exit(FAIL_STOP_EXIT)


def partition_counts(settings: Settings) -> dict[str, int]:
    """Topic -> partitions in this environment."""
    return {topic.name: settings.partitions for topic in TOPICS}


class Runtime:
    """Lanes, watchdog, timers and heartbeat of one worker process. Start it before Faust, stop it after."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.publisher = Publisher(settings.kafka_bootstrap_servers, client_id=f"{settings.worker_id}-out")
        self.reader = RangeReader(settings.kafka_bootstrap_servers, client_id=f"{settings.worker_id}-reader")
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    async def start(self, tables: Tables) -> None:
        """Connects to the database and starts the watchdog, which works before the group has formed."""
        settings = self.settings
        self.pool = await open_pool(
            settings.database_url, settings.database_connections, f"worker {settings.worker_id}"
        )
        self.store = PostgresStore(self.pool)
        counts = partition_counts(settings)
        self.executor = Executor(
            open_kinds(settings, self.pool),
            EffectRows(self.pool),
            self.publisher,
            counts,
            self._effects_positions,
            self._effects_ends,
        )
        self.events_keeper = EventsKeeper(self._events_tail, EventRows(self.pool))
        deps = Deps(
            store=self.store,
            reader=self.reader,
            publisher=self.publisher,
            tables=TellingTables(tables, self.executor.committed),
            partitions=counts,
            leave=leave,
            sleep=asyncio.sleep,
            monotonic=monotonic,
            settings=LaneSettings(batch_max_records=settings.batch_max_records),
        )
        self.lanes = Lanes(RULES, deps)
        self.watchdog = Watchdog(self.lanes, deps, watchdog_settings(settings))
        self.timers = TimerPump(
            self.lanes,
            deps,
            TimerSettings(refire_seconds=settings.timer_refire_seconds),
            self.watchdog.is_behind,
        )
        rows = WorkerRows(self.pool)
        self.heartbeat = Heartbeat(
            settings.worker_id,
            self.lanes,
            self.watchdog,
            self.timers,
            rows.write,
            rows.remove,
            self.executor.figures,
        )
        self.auditor = Auditor(lambda every: verify_if_due(self.pool, settings.database_url, every))
        for service in (self.watchdog, self.timers, self.heartbeat, self.auditor):
            self._run(service.run(), type(service).__name__)
        self._run(begin_anew("the executor", self.executor.run), "executor")
        if settings.events_list:
            self._run(begin_anew("the keeper of events", self.events_keeper.run), "keeper of events")
        self._run(collect_by_the_clock(), "garbage collection")
        self._watch_the_program(counts)

    def _watch_the_program(self, counts: Mapping[str, int]) -> None:
        """What tells operators how the program itself does."""
        observer = Observer(lambda: look(self.pool), self.publisher.publish, counts)
        self.outage_kinds = open_alert_kinds(self.settings)
        outage_watch = OutageWatch(
            {"the database": lambda: answers(self.pool), "the broker": lambda: self._effects_ends([0])},
            self.outage_kinds,
            self._alerts_configured,
            self.settings.worker_id,
        )
        self._run(begin_anew("the observer", observer.run), "observer")
        self._run(begin_anew("the outage watch", outage_watch.run), "outage watch")

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._leave_if_ended)
        self._tasks.append(task)

    def _leave_if_ended(self, task: asyncio.Task[None]) -> None:
        """A watchdog that ended silently would be a worker that looks alive: leave loudly instead.

        A cancellation that nobody asked for is an end as well; libraries have let theirs out.
        """
        if self._stopping or (not task.cancelled() and task.exception() is None):
            return
        fault = None if task.cancelled() else task.exception()
        log.critical("%s ended: %r", task.get_name(), fault, exc_info=fault)
        leave(f"{task.get_name()} ended: {fault or 'it was cancelled'!r}")

    async def stop(self) -> None:
        """Finish the work in hand, at most for DRAIN_SECONDS; what is cut off the next owner does."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        drained = await asyncio.gather(self.executor.stop(DRAIN_SECONDS), self.lanes.drain(DRAIN_SECONDS))
        if not all(drained):
            log.warning("stopping with work in hand: the next owner finishes it")
        for kind in self.outage_kinds.values():
            await kind.close()
        await self.heartbeat.say_goodbye()
        await self.publisher.stop()
        await self.reader.stop()
        await self.pool.close()

    def _events_tail(self, partitions: Collection[int]) -> LogTail:
        return LogTail(
            self.settings.kafka_bootstrap_servers,
            PAYMENTS_EVENTS,
            client_id=f"{self.settings.worker_id}-events",
            partitions=partitions,
            fetch_min_bytes=FETCH_MIN_BYTES,
        )

    def _alerts_configured(self) -> AlertConfiguration | None:
        platform = self.executor.platform
        return None if platform is None else platform.alerts

    async def _effects_positions(self, partitions: Collection[int]) -> Mapping[int, int]:
        found = await self.store.positions([LaneId(EFFECTS_REQUESTS, each) for each in partitions])
        return {lane.partition: position.next_offset for lane, position in found.items()}

    async def _effects_ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        found = await self.reader.end_offsets([(EFFECTS_REQUESTS, each) for each in partitions])
        return {partition: end for (_, partition), end in found.items()}

    async def process(self, batch: Batch) -> None:
        """What every agent does with a batch. Never raises into the stream."""
        await self.lanes.process(batch.topic, batch.partition, batch.records)

    async def positions(self, partitions: Collection[tuple[str, int]]) -> Mapping[Any, int]:
        """Where the consumer starts after a rebalance: PostgreSQL's positions."""
        wanted = [LaneId(*partition) for partition in partitions]
        found = await self.store.positions(wanted)
        return {tuple(lane): position.next_offset for lane, position in found.items()}

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """The group gave this worker exactly these partitions."""
        self._own([LaneId(*partition) for partition in partitions])

    def revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        self._own(self.lanes.owned - {LaneId(*partition) for partition in partitions})

    def _own(self, owned: Collection[LaneId]) -> None:
        self.lanes.owned, before = frozenset(owned), self.lanes.owned
        self.executor.assigned(self._owned_of(EFFECTS_REQUESTS))
        self.events_keeper.assigned(self._owned_of(PAYMENTS_COMMANDS))
        for lane in self.lanes.owned ^ before:
            self._wake(lane)

    def _owned_of(self, topic: str) -> list[int]:
        return [lane.partition for lane in self.lanes.owned if lane.topic == topic]

    def _wake(self, lane: LaneId) -> None:
        """Forget what was cached; a new owner publishes what the last one left in the outbox."""
        work = self.lanes[lane].publish_leftovers() if lane in self.lanes.owned else self.lanes[lane].forget()
        task = asyncio.create_task(work, name=f"wake {lane}")
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)

    def out_of_range(self, partition: tuple[str, int], position: int, begin: int, end: int) -> None:
        """The log does not hold the position: a loud halt, never a skip."""
        reason = f"position {position} lies outside of the log, which covers [{begin}, {end})"
        self._run(self.store.halt(LaneId(*partition), reason), f"halt {partition}")


async def begin_anew(what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A fault of what runs beside the lanes stops none of them: it is loud, and the work begins anew."""
    while True:
        try:
            await work()
        except Exception as fault:
            log.critical("%s failed: %r; it begins anew", what, fault, exc_info=fault)
            await asyncio.sleep(RESTART_PAUSE_SECONDS)


def watchdog_settings(settings: Settings) -> WatchdogSettings:
    return WatchdogSettings(
        every_seconds=settings.watchdog_interval_seconds,
        tail_seconds=settings.stalled_seconds,
        outbox_age_seconds=settings.outbox_overdue_seconds,
        worker_id=settings.worker_id,
    )
