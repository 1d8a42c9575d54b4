"""Sends a generator's records when their time has come, in their order, and counts what was acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator

from app.demo.stream import Record
from app.errors import Transient
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher

TICK_SECONDS = 0.05
RETRY_SECONDS = 0.5
MOST_PER_SEND = 2_000


class Sender:
    """`partitions` is the count of every topic sent to."""

    def __init__(self, publisher: Publisher, partitions: int) -> None:
        self._publisher = publisher
        self.partitions = partitions
        self.sent = 0

    async def send_paced(self, records: Iterable[Record]) -> None:
        """Each record at `record.at` seconds from now, until they end."""
        started = time.monotonic()
        waiting = iter(records)
        held: Record | None = next(waiting, None)
        while held is not None:
            due, held = _due(held, waiting, time.monotonic() - started)
            await self.send(due)
            await asyncio.sleep(TICK_SECONDS)

    async def send(self, records: list[Record]) -> None:
        """Returns when all are acknowledged; a failed call is made again, so a record may come twice."""
        for begin in range(0, len(records), MOST_PER_SEND):
            part = [self._outgoing(record) for record in records[begin : begin + MOST_PER_SEND]]
            await self._insist(part)
            self.sent += len(part)

    async def _insist(self, part: list[Outgoing]) -> None:
        while True:
            try:
                return await self._publisher.publish(part)
            except Transient:
                await asyncio.sleep(RETRY_SECONDS)

    def _outgoing(self, record: Record) -> Outgoing:
        key = record.key.encode()
        return Outgoing(record.topic, partition_for(key, self.partitions), key, record.value)


def _due(held: Record, waiting: Iterator[Record], elapsed: float) -> tuple[list[Record], Record | None]:
    """Everything whose time has come, and the first record whose time has not."""
    due: list[Record] = []
    following: Record | None = held
    while following is not None and following.at <= elapsed:
        due.append(following)
        following = next(waiting, None)
    return due, following
