"""Keeps the list of events: reads `payments.events` behind the lanes and writes it to the table `events`.

No lane waits for it, and nothing is decided by it. It has positions of its own, for the partitions with the
numbers of the merchant lane's that this worker owns. Where the log no longer holds a position it goes on at
its beginning and says so: unlike a lane's, what is lost here is lost from a list only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, Protocol

import msgspec

from app.domain.streams import PAYMENTS_EVENTS
from app.errors import BadData, LogTruncated, Moved, Transient
from app.store.events import EventRow

MOST_ROWS: Final = 1_000
"""In one statement."""
PAUSE_SECONDS: Final = 1.0
FETCH_MIN_BYTES: Final = 256 * 1024
"""A list may be half a second behind; in small pieces an event costs several times as much."""

log: Final = logging.getLogger(__name__)
Positions = tuple[int, ...]


class Tail(Protocol):
    """The part of `app.kafka.tail.LogTail` that is used here."""

    async def begin(self, positions: Positions | None) -> Positions: ...
    async def poll(self) -> list[Any]: ...
    async def bounds(self) -> tuple[Positions, Positions]: ...
    async def stop(self) -> None: ...


class Rows(Protocol):
    """`app.store.events.EventRows`."""

    async def positions(self, partitions: Collection[int]) -> dict[int, int]: ...
    async def add(
        self, partition: int, first: int, upto: int, rows: Sequence[EventRow], lost: int = 0
    ) -> int: ...


class Head(msgspec.Struct, frozen=True, gc=False):
    """What the list needs of an event of any type, also of one that this version does not know."""

    id: str
    seq: int
    type: str
    merchant_id: str
    occurred_at: datetime
    payment_id: str | None = None
    payout_id: str | None = None
    request_id: str | None = None

    @property
    def subject(self) -> str:
        """As merchants' webhooks name it (`app.domain.webhook_fanout.subject_of`)."""
        if self.request_id is not None:
            return f"request/{self.request_id}"
        if self.payment_id is not None:
            return f"payment/{self.payment_id}"
        return "merchant" if self.payout_id is None else f"payout/{self.payout_id}"


_decode: Final = msgspec.json.Decoder(Head).decode


class EventsKeeper:
    """`tail_of` makes a tail of exactly these partitions."""

    def __init__(self, tail_of: Callable[[Sequence[int]], Tail], rows: Rows) -> None:
        self._tail_of, self._rows = tail_of, rows
        self._wanted: tuple[int, ...] = ()
        self._changed = asyncio.Event()
        self._at: dict[int, int] = {}

    def assigned(self, partitions: Collection[int]) -> None:
        """Exactly these; what is being written is finished first."""
        self._wanted = tuple(sorted(partitions))
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled. Faults of the database and the broker are waited out."""
        while True:
            self._changed.clear()
            try:
                await self._follow(self._wanted)
            except Moved as other:
                log.info("%s: another worker keeps them", other)
            except (Transient, LogTruncated) as fault:
                log.warning("the list of events stands still: %s", fault)
            await self._pause()

    async def _pause(self) -> None:
        """For a moment, or for as long as there is nothing to follow."""
        try:
            async with asyncio.timeout(PAUSE_SECONDS if self._wanted else None):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _follow(self, partitions: tuple[int, ...]) -> None:
        """Until other partitions are wanted."""
        if not partitions:
            return
        tail = self._tail_of(partitions)
        try:
            await self._stand(tail, partitions)
            while self._wanted == partitions:
                for partition, records in groupby(await tail.poll(), lambda record: record.partition):
                    await self._keep(partition, list(records))
        finally:
            await tail.stop()

    async def _stand(self, tail: Tail, partitions: tuple[int, ...]) -> None:
        self._at = await self._rows.positions(partitions)
        begins, _ = await tail.bounds()
        for partition, begin in zip(partitions, begins, strict=True):
            if (at := self._at[partition]) < begin:
                log.error(
                    "%s:%s no longer holds the offsets from %s to %s: these events are missing from the list",
                    PAYMENTS_EVENTS, partition, at, begin - 1,
                )  # fmt: skip
                await self._add(partition, begin, [], lost=begin - at)
        await tail.begin(tuple(self._at[partition] for partition in partitions))

    async def _keep(self, partition: int, records: Sequence[Any]) -> None:
        for begin in range(0, len(records), MOST_ROWS):
            piece = records[begin : begin + MOST_ROWS]
            rows = [row for record in piece if (row := row_of(record)) is not None]
            await self._add_what_can_be(partition, piece[-1].offset + 1, rows, len(piece) - len(rows))

    async def _add_what_can_be(self, partition: int, upto: int, rows: list[EventRow], lost: int) -> None:
        """Of rows that the database refuses, those are left out that it refuses alone."""
        try:
            await self._add(partition, upto, rows, lost)
        except BadData as refused:
            if len(rows) == 1:
                log.error("event %r is missing from the list: %s", rows[0].id, refused)
                await self._add(partition, upto, [], lost + 1)
            else:
                half = len(rows) // 2
                await self._add_what_can_be(partition, rows[half].offset, rows[:half], 0)
                await self._add_what_can_be(partition, upto, rows[half:], lost)

    async def _add(self, partition: int, upto: int, rows: Sequence[EventRow], lost: int) -> None:
        await self._rows.add(partition, self._at[partition], upto, rows, lost)
        self._at[partition] = upto


def row_of(record: Any) -> EventRow | None:
    """None, loudly, for what is no event."""
    try:
        head, body = _decode(record.value or b""), record.value.decode()
    except ValueError as error:  # msgspec's errors and UnicodeDecodeError
        log.error("%s:%s at %s is no event: %s", PAYMENTS_EVENTS, record.partition, record.offset, error)
        return None
    return EventRow(
        head.id,
        head.merchant_id,
        head.subject,
        head.seq,
        head.type,
        head.payment_id,
        head.occurred_at,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        record.offset,
        body,
    )
