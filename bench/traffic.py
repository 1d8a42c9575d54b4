"""Payments at a rate, each one's settlement lines a little later and in no particular order."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from app.kafka.publisher import Outgoing, Publisher
from bench.pairs import Pairs, Truth

LINE_AFTER_SECONDS: Final = (0.3, 2.0)
REPEAT_AFTER_SECONDS: Final = 0.3
"""From a line to its repeat, so that the repeat is the second side."""
TICK_SECONDS: Final = 0.02


class Due(NamedTuple):
    """`at`: seconds after the start; `order` makes equal ones comparable."""

    at: float
    order: int
    record: Outgoing


def arrivals(
    pairs: Pairs, truth: Truth, first: int, rate: float, seconds: float, stopped: asyncio.Event | None = None
) -> Iterator[Due]:
    """In order of time: payments `first` … at `rate` per second for `seconds`, and all of their lines.

    Once `stopped` is set only the lines that are owed still come.
    """
    chance, waiting, order = random.Random(first), list[Due](), 0
    for index in range(int(rate * seconds)):
        if stopped is not None and stopped.is_set():
            break
        number, at = first + index, index / rate
        while waiting and waiting[0].at <= at:
            yield heapq.heappop(waiting)
        truth.add(pairs, number)
        if (sent := pairs.payment(number)) is not None:
            yield Due(at, 0, sent)
        line_at = at + chance.uniform(*LINE_AFTER_SECONDS)
        for line in pairs.lines(number):
            order += 1
            heapq.heappush(waiting, Due(line_at, order, pairs.outgoing(line)))
            line_at += REPEAT_AFTER_SECONDS
    while waiting:
        yield heapq.heappop(waiting)


class Traffic:
    """Sends arrivals when their time has come.

    `late_seconds`: the most that any was sent too late; `share`: the part of the asked rate that was held.
    """

    def __init__(self, publisher: Publisher, arriving: Iterator[Due]) -> None:
        self._publisher, self._arriving = publisher, arriving
        self.sent = 0
        self.late_seconds = self.seconds = 0.0
        self.share = 1.0

    async def send(self) -> None:
        """Until they end: everything due at once, in one call. `seconds` is how long that took."""
        began, planned = time.monotonic(), 0.0
        held = next(self._arriving, None)
        while held is not None:
            due, elapsed = list[Outgoing](), time.monotonic() - began
            self.late_seconds = max(self.late_seconds, elapsed - held.at)
            while held is not None and held.at <= elapsed:
                due.append(held.record)
                planned = held.at
                held = next(self._arriving, None)
            await self._publisher.publish(due)
            self.sent += len(due)
            await asyncio.sleep(TICK_SECONDS)
        self.seconds = time.monotonic() - began
        self.share = min(planned / max(self.seconds - TICK_SECONDS, planned), 1.0) if planned else 1.0
