"""Sends a generator's events when their time has come, in their order, and counts what was acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from app.demo.stream import Event, Record, Webhook
from app.errors import Transient
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher

TICK_SECONDS = 0.05
RETRY_SECONDS = 0.5
MOST_PER_SEND = 2_000


def _nowhere(webhook: Webhook) -> None:
    raise TypeError("there are webhooks, and nobody delivers them")


class Sender:
    """`partitions` is the count of every topic sent to."""

    def __init__(self, publisher: Publisher, partitions: int) -> None:
        self._publisher = publisher
        self.partitions = partitions
        self.sent = 0

    async def send_paced(
        self, events: Iterable[Event], deliver: Callable[[Webhook], None] = _nowhere
    ) -> None:
        """Each at `event.at` seconds from now, until they end; webhooks are handed to `deliver`."""
        started = time.monotonic()
        waiting = iter(events)
        held: Event | None = next(waiting, None)
        while held is not None:
            due, held = _due(held, waiting, time.monotonic() - started)
            for event in due:
                if isinstance(event, Webhook):
                    deliver(event)
            await self.send(due)
            await asyncio.sleep(TICK_SECONDS)

    async def send(self, events: Iterable[Event]) -> None:
        """The records among them. Returns when all are acknowledged; a failed call is made again, so a

        record may come twice.
        """
        records = [event for event in events if isinstance(event, Record)]
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


def _due(held: Event, waiting: Iterator[Event], elapsed: float) -> tuple[list[Event], Event | None]:
    """Everything whose time has come, and the first event whose time has not."""
    due: list[Event] = []
    following: Event | None = held
    while following is not None and following.at <= elapsed:
        due.append(following)
        following = next(waiting, None)
    return due, following
