"""What the executor was not told of, read from the database: after a start or a takeover, or because another
worker's watchdog decided records of its partitions.

Versions of a partition only grow, so what changed since the last look is a range of an index of open effects.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping
from time import monotonic
from typing import Any, Final

import msgspec

from app.domain.effect import Effect
from app.effects.board import Board
from app.effects.lot import WINDOW, Item, Row
from app.errors import Transient
from app.store.effects import EffectRows, OpenEffect

log: Final = logging.getLogger(__name__)
Offsets = Callable[[Collection[int]], Coroutine[Any, Any, Mapping[int, int]]]
"""Partitions of `effects.requests` -> an offset of each."""


class SweepSettings(msgspec.Struct, frozen=True, kw_only=True):
    every_seconds: float = 1.0
    rows_at_once: int = 2_000
    stale_seconds: float = 2.0
    """After a report: how long its lane may take before somebody asks what became of it."""


class Sweeper:
    """`positions`: the next offset that a partition's lane will decide; `ends`: where its log ends."""

    def __init__(
        self,
        board: Board,
        rows: EffectRows,
        positions: Offsets,
        ends: Offsets,
        settings: SweepSettings | None = None,
    ) -> None:
        self._board = board
        self._rows = rows
        self._positions = positions
        self._ends = ends
        self._settings = settings or SweepSettings()
        self._seen: dict[int, int] = {}
        self._asked = asyncio.Event()

    @property
    def owned(self) -> Collection[int]:
        return self._seen

    def assigned(self, partitions: Collection[int]) -> None:
        """Exactly these; what is new among them is read from its first open effect on, at once, and nothing
        of it begins before.
        """
        self._board.hold(set(partitions) - self._seen.keys())
        self._seen = {partition: self._seen.get(partition, -1) for partition in partitions}
        self._asked.set()

    async def run(self, swept: Callable[[], None]) -> None:
        """Until cancelled; calls `swept` after each look. Faults of database and broker are waited out."""
        while True:
            self._asked.clear()
            try:
                await self._sweep()
            except Transient as fault:
                log.warning("effects: %s", fault)
            swept()
            try:
                async with asyncio.timeout(self._settings.every_seconds):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        await self._read_changed()
        for target, horizon in self._board.to_refill():
            found = await self._rows.of_target(target, horizon, WINDOW)
            self._board.refill(target, [light(row) for row in found], is_all=len(found) < WINDOW)
        await self._correct_stale()
        self._board.forget_idle(monotonic())

    async def _read_changed(self) -> None:
        """In pieces: where one is full there is more."""
        wanted = dict(self._seen)
        while wanted:
            seen = self._seen
            found = await self._rows.changed_since(wanted, self._settings.rows_at_once)
            if self._seen is not seen:
                return  # partitions came or went meanwhile: what was read may have been dropped again
            for row in found:
                self._board.note(light(row))
                seen[row.partition] = max(seen[row.partition], row.version)
            counts = Counter(row.partition for row in found)
            full = {partition for partition in counts if counts[partition] >= self._settings.rows_at_once}
            self._board.release(wanted.keys() - full)
            wanted = {partition: seen[partition] for partition in full}

    async def _correct_stale(self) -> None:
        """Reports of which nothing was heard: once their lane has decided up to them, the row says it all."""
        stale = self._board.stale(monotonic() - self._settings.stale_seconds)
        if not stale:
            return
        partitions = {item.row.partition for item in stale}
        ends, positions = await self._ends(partitions), await self._positions(partitions)
        decided = [(item.row.target, item.row.id) for item in stale if _is_decided(item, ends, positions)]
        for partition, version, effect in await self._rows.find(decided) if decided else ():
            self._board.correct(row_of(partition, version, effect))


def _is_decided(item: Item, ends: Mapping[int, int], positions: Mapping[int, int]) -> bool:
    """Whether the item's lane is past the place where its log ended after the report."""
    if item.upto is None:
        item.upto = ends.get(item.row.partition, 0)
    return positions.get(item.row.partition, 0) >= item.upto


def row_of(partition: int, version: int, effect: Effect) -> Row:
    return Row(
        partition,
        version,
        effect.target,
        effect.id,
        effect.kind,
        effect.object,
        effect.offset,
        effect.status,
        effect.deadline_at,
        effect,
    )


def light(row: OpenEffect) -> Row:
    """Without its work, which is read when it is its turn."""
    return Row(
        row.partition,
        row.version,
        row.target,
        row.id,
        row.kind,
        row.object,
        row.offset,
        row.status,
        row.deadline_at,
    )
