"""The Faust application that hands whole fetches to its agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any

import faust
from aiokafka.errors import IllegalStateError
from faust.types import TP

from app.handover.selfcheck import check_versions_and_names
from app.handover.sensor import FinishedSensor
from app.handover.settings import faust_settings
from app.handover.transport import LaneTransport
from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader

Positions = Callable[[Collection[TP]], Awaitable[Mapping[TP, int]]]
"""Partitions -> the next offset of each that is known; it may raise `Transient` and is asked again then."""
Hook = Callable[[frozenset[TP]], None]
OutOfRangeHook = Callable[[TP, int, int, int], None]
"""(partition, position, log begin, log end)."""

RANGE_CHECKS = 5


class LaneApp(faust.App):
    """Agents on `batch_topics` receive `Batch`es:

        async for batch in batches:
            await lanes.process(batch)

    A partition has one batch in hand at a time; with the agent's concurrency = partitions they run in
    parallel. After every rebalance the consumer starts from `positions`, not from the group's offsets.
    `on_revoked` (lost partitions) and `on_assigned` (all owned ones, just before records flow) are called
    in the event loop and may neither block nor raise. Bounds: `max_records` per batch, `poll_seconds` between
    polls when little arrives, `drain_seconds` that a rebalance or a stop waits for work in hand (less than
    the session timeout). `settings` are Faust's own and win over those of `app/handover/settings.py`.
    """

    def __init__(
        self,
        id: str,
        *,
        bootstrap: str,
        batch_topics: Collection[str],
        positions: Positions,
        publisher: Publisher | None = None,
        reader: RangeReader | None = None,
        on_assigned: Hook | None = None,
        on_revoked: Hook | None = None,
        on_out_of_range: OutOfRangeHook | None = None,
        max_records: int = 2000,
        poll_seconds: float = 0.01,
        drain_seconds: float = 4.0,
        instance_id: str | None = None,
        data_dir: str | None = None,
        **settings: Any,
    ) -> None:
        check_versions_and_names()
        self.batch_topics = frozenset(batch_topics)
        self.positions = positions
        self.publisher = publisher or Publisher(bootstrap, client_id=f"{id}-publisher")
        self.reader = reader or RangeReader(bootstrap, client_id=f"{id}-reader")
        self._own_services = [own for own in (self.publisher, self.reader) if own not in (publisher, reader)]
        self._hooks = (on_assigned, on_revoked, on_out_of_range)
        self.max_records = max_records
        self.poll_seconds = poll_seconds
        self.drain_seconds = drain_seconds
        self.owned: frozenset[TP] = frozenset()
        self.held: set[TP] = set()
        self.ready = asyncio.Event()
        self._data_dir = data_dir
        super().__init__(id, **(faust_settings(bootstrap, instance_id, data_dir) | settings))
        self.sensors.add(FinishedSensor(self))

    def is_batch_topic(self, topics: Iterable[str]) -> bool:
        """Whether messages of these topics are whole batches."""
        return all(topic in self.batch_topics for topic in topics) and bool(self.batch_topics)

    def hold(self, tp: TP) -> None:
        """Leaves a partition out at the consumer (halted); a batch already handed over is not affected."""
        self.held.add(TP(*tp))

    async def release(self, tp: TP) -> None:
        """Takes a held partition up again, from its position."""
        tp = TP(*tp)
        self.held.discard(tp)
        if tp in self.owned:
            position = (await self.positions([tp])).get(tp)
            with suppress(IllegalStateError):  # a rebalance has begun: it seeks every partition anew
                await self.consumer.restart_at(await self.usable_positions({tp: position}))

    def partitions_changed(self, assigned: set[TP], revoked: set[TP]) -> None:
        """A new assignment is known; records do not flow yet."""
        self.ready.clear()
        self.owned = frozenset(tp for tp in assigned if tp.topic in self.batch_topics)
        self.held &= self.owned
        lost = frozenset(tp for tp in revoked if tp.topic in self.batch_topics)
        if lost and self._hooks[1] is not None:
            self._hooks[1](lost)

    def assignment_ready(self) -> None:
        """Tables are restored and positions sought; records flow after this."""
        if self._hooks[0] is not None:
            self._hooks[0](self.owned)
        self.ready.set()

    def flowing(self) -> set[TP]:
        """Partitions to fetch from: all but changelogs."""
        return {tp for tp in self.consumer.assignment() if tp.topic not in self.tables.changelog_topics}

    async def usable_positions(self, wanted: Mapping[TP, int | None]) -> dict[TP, int]:
        """Where to seek; a partition without position begins where its log begins.

        A position outside of its log is told to `on_out_of_range` and the partition held: starting elsewhere
        would skip records, or take new ones for old. Asked a few times first, since a broker that has just
        restarted may know a lower end for a moment.
        """
        usable: dict[TP, int] = {}
        for attempt in range(RANGE_CHECKS):
            begins = await self.reader.begin_offsets(wanted)
            ends = await self.reader.end_offsets(wanted)
            usable = {tp: begins[tp] if offset is None else offset for tp, offset in wanted.items()}
            outside = {tp: at for tp, at in usable.items() if not begins[tp] <= at <= ends[tp]}
            if not outside:
                break
            if attempt + 1 < RANGE_CHECKS:
                await asyncio.sleep(0.3)
        for tp, at in outside.items():
            self._out_of_range(tp, at, begins[tp], ends[tp])
        return {tp: at for tp, at in usable.items() if tp not in outside}

    def _out_of_range(self, tp: TP, position: int, begin: int, end: int) -> None:
        text = "%s:%s is held: its position is %s, but its log covers [%s, %s)"
        self.log.error(text, tp.topic, tp.partition, position, begin, end)
        self.hold(tp)
        if self._hooks[2] is not None:
            self._hooks[2](tp, position, begin, end)

    def _create_directories(self) -> None:
        """Faust would leave three folders in the current directory; tables in memory need none."""
        if self._data_dir is not None:
            self.conf.datadir.mkdir(parents=True, exist_ok=True)

    def _new_transport(self) -> LaneTransport:
        """Extension point: faust/app/base.py:1932."""
        return LaneTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> LaneTransport:
        return LaneTransport(self.conf.broker_producer, self)

    async def on_start(self) -> None:
        await super().on_start()
        for service in self._own_services:
            await service.start()

    async def on_stop(self) -> None:
        self.ready.clear()
        await super().on_stop()
        for service in self._own_services:
            await service.stop()
