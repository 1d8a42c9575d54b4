"""Applications whose lanes live in memory and notice every hole and repetition."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from faust.types import TP

from app.handover.application import LaneApp
from app.handover.batch import Batch
from app.handover.table import LaneTable
from tests.support.waiting import eventually

READY_SECONDS = 20.0
Work = Callable[[Batch], Awaitable[None]]


async def no_work(_: Batch) -> None:
    await asyncio.sleep(0)


class Books:
    """What a database would hold for all members: the next offset of each partition, and what was odd."""

    def __init__(self, work: Work = no_work) -> None:
        self.next: dict[TP, int] = {}
        self.batches: list[Batch] = []
        self.holes: list[tuple[Batch, int]] = []
        self.repeated: list[Batch] = []
        self.work = work
        self.at_work: dict[TP, int] = defaultdict(int)
        self.most_at_work = 0
        self._locks: dict[TP, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def positions(self, tps: Collection[TP]) -> Mapping[TP, int]:
        return {tp: self.next[tp] for tp in tps if tp in self.next}

    async def process(self, batch: Batch) -> None:
        tp = TP(batch.topic, batch.partition)
        async with self._locks[tp]:
            self.at_work[tp] += 1
            self.most_at_work = max(self.most_at_work, sum(self.at_work.values()))
            try:
                await self.work(batch)
            finally:
                self.at_work[tp] -= 1
            self._book(tp, batch)

    def _book(self, tp: TP, batch: Batch) -> None:
        expected = self.next.get(tp, 0)
        if batch.first_offset > expected:
            self.holes.append((batch, expected))
        if batch.first_offset < expected:
            self.repeated.append(batch)
        self.next[tp] = max(expected, batch.last_offset + 1)
        self.batches.append(batch)

    def done(self, topic: str) -> int:
        """Records of `topic` that were processed, if there was no hole."""
        return sum(offset for tp, offset in self.next.items() if tp.topic == topic)


def member(
    kafka: str, app_id: str, topics: Collection[str], books: Books, partitions: int, **options: Any
) -> LaneApp:
    """One worker of the group `app_id`: an agent per topic, with as many actors as partitions."""
    app = LaneApp(app_id, bootstrap=kafka, batch_topics=topics, **({"positions": books.positions} | options))
    for topic in topics:
        _add_agent(app, topic, books, partitions)
    return app


def _add_agent(app: LaneApp, topic: str, books: Books, partitions: int) -> None:
    @app.agent(app.topic(topic), name=f"{topic}-agent", concurrency=partitions)
    async def agent(batches: Any) -> None:
        async for batch in batches:
            await books.process(batch)


def table(app: LaneApp, name: str, partitions: int, max_keys: int | None = None) -> LaneTable:
    made: LaneTable = app.Table(name, partitions=partitions, max_keys=max_keys)
    return made


async def started(app: LaneApp) -> LaneApp:
    """Starts a member and waits until its records flow."""
    app.finalize()
    await app.start()
    await asyncio.wait_for(app.ready.wait(), READY_SECONDS)
    return app


async def restored(*tables: LaneTable) -> None:
    """Changelogs are read in the background."""
    await eventually(lambda: not any(t.restoring() for t in tables), 15.0, "the tables' contents")


async def caught_up(books: Books, topic: str, count: int, within_seconds: float = 15.0) -> None:
    await eventually(lambda: books.done(topic) >= count, within_seconds, f"{count} records of {topic}")
