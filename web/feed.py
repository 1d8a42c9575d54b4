"""The log of mismatches, read once per process for everybody who watches.

One task follows `reconciliation.mismatches` and puts each change into the box of every client. Kafka may be
away for as long as it likes: the feed goes on exactly where it stood, and says so in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from app.contracts.codec import Undecodable
from app.errors import LogTruncated
from web.boxes import Boxes
from web.changes import Change, Seen, change_of
from web.marks import Positions, write_mark

RETRY_SECONDS: Final = 0.2
RETRY_MOST_SECONDS: Final = 2.0
LOST_SECONDS: Final = 5.0
"""A broker that has just started may know a lower end for a moment: only then is the log really cut."""
FOUND_WITHIN_SECONDS: Final = 0.25
FOUND_PAUSE_SECONDS: Final = 2.0

log: Final = logging.getLogger(__name__)
Found = Callable[[Sequence[str]], Awaitable[dict[str, int]]]
"""Mismatch ids -> milliseconds until each was found: what only the database knows."""


class Tail(Protocol):
    """The part of `app.kafka.tail.LogTail` that is used here."""

    async def begin(self, positions: Positions | None) -> Positions: ...
    async def poll(self) -> list[Any]: ...
    async def read(
        self, partition: int, start: int, upto: int, max_records: int
    ) -> tuple[list[Any], int]: ...
    async def bounds(self) -> tuple[Positions, Positions]: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """One change for a client's box, with the position behind it."""

    change: Change
    mark: str


@dataclass(frozen=True, slots=True)
class Signal:
    """`ready`: the feed stands at `positions`. `reset`: what lay before them is lost."""

    name: Literal["ready", "trouble", "reset"]
    positions: Positions = ()


class MismatchFeed:
    """Without a tail (no Kafka configured) it is never ready."""

    def __init__(self, tail: Tail | None, found: Found) -> None:
        self.tail, self.boxes = tail, Boxes()
        self.positions: Positions | None = None
        """Everything before them was put into the boxes; None before Kafka has answered once."""
        self.in_trouble = tail is None
        self._found, self._found_again_at = found, 0.0
        self._seen = Seen()
        self._skipping = False

    @property
    def mark(self) -> str:
        """The position as text; empty while it is not known."""
        return write_mark(self.positions) if self.positions is not None else ""

    async def run(self) -> None:
        """Follow for ever; ends by being cancelled."""
        if self.tail is None:
            return
        try:
            while True:
                await self._stand(self.tail)
                await self._follow(self.tail)
        finally:
            await self.tail.stop()

    async def _stand(self, tail: Tail) -> None:
        """Get to where the feed stood, however long that takes."""
        loop = asyncio.get_running_loop()
        pause, lost_since = RETRY_SECONDS, None
        while True:
            try:
                lost = lost_since is not None and loop.time() - lost_since > LOST_SECONDS
                stands = await tail.begin(None if lost else self.positions)
            except LogTruncated as error:
                lost_since = lost_since or loop.time()
                self._say_trouble(error)
            except Exception as error:  # whatever it is, the rest of the web must go on
                self._say_trouble(error)
            else:
                return self._say_ready(stands, lost)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MOST_SECONDS)

    async def _follow(self, tail: Tail) -> None:
        """Until something goes wrong."""
        try:
            while True:
                await self.take(await tail.poll())
        except Exception as error:
            self._say_trouble(error)

    async def take(self, records: Sequence[Any]) -> None:
        """Put them into the boxes, each with the position behind it."""
        if not records or self.positions is None:
            return
        changes = await self.changes(records)
        for record, change in zip(records, changes, strict=True):
            at = list(self.positions)
            at[record.partition] = max(at[record.partition], record.offset + 1)
            self.positions = tuple(at)
            if change is not None and self._seen.is_news(change):
                self.boxes.send(Sent(change, self.mark))

    async def changes(self, records: Sequence[Any]) -> list[Change | None]:
        """One per record; None for what this version does not understand."""
        decoded = [self._decoded(record) for record in records]
        times = await self._times(sorted({change.row.id for change in decoded if change is not None}))
        return [change and change.found_after(times.get(change.row.id)) for change in decoded]

    def _decoded(self, record: Any) -> Change | None:
        try:
            return change_of(record.value)
        except Undecodable as error:
            if not self._skipping:
                log.warning(
                    "%s:%s at %s is skipped: %s", record.topic, record.partition, record.offset, error
                )
            self._skipping = True
            return None

    async def _times(self, ids: list[str]) -> dict[str, int]:
        """One small query for all; news do not wait for a database that is away."""
        loop = asyncio.get_running_loop()
        if not ids or loop.time() < self._found_again_at:
            return {}
        try:
            async with asyncio.timeout(FOUND_WITHIN_SECONDS):
                return await self._found(ids)
        except Exception as error:
            log.info("times of detection are not known now: %r", error)
            self._found_again_at = loop.time() + FOUND_PAUSE_SECONDS
            return {}

    def _say_ready(self, stands: Positions, lost: bool) -> None:
        if lost:
            log.error("the log of mismatches no longer holds where this process stood; it goes on at its end")
        self.positions, self.in_trouble = stands, False
        self.boxes.send(Signal("reset" if lost else "ready", stands))

    def _say_trouble(self, error: Exception) -> None:
        if not self.in_trouble:
            log.warning("news of mismatches do not come: %r", error)
            self.boxes.send(Signal("trouble"))
        self.in_trouble = True

    def stop(self) -> None:
        self.boxes.stop()
