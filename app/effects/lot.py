"""The open effects of one target, in order: which of them could begin next, and how many are held. Pure."""

from __future__ import annotations

from datetime import datetime
from heapq import heappop, heappush
from typing import Final

import msgspec

from app.domain.effect import Effect
from app.effects.gate import Gate

WINDOW: Final = 2_000
"""Effects of one target that are held."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """An effect as committed. `effect` None: known without its work."""

    partition: int
    version: int
    target: str
    id: str
    kind: str
    object: str
    offset: int
    status: str
    deadline_at: datetime
    effect: Effect | None = None


class Item:
    """One open effect. `state`: as committed, or `running`, or `reported` until its lane has decided."""

    __slots__ = ("row", "since", "state", "upto")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.state = row.status
        self.since = 0.0
        self.upto: int | None = None
        """Position of its lane from which a report must have been decided; None: not asked for yet."""

    @property
    def line(self) -> str:
        return self.row.object or f"\x00{self.row.id}"


class Lot:
    """One target's open effects."""

    def __init__(self, partition: int, kind: str, gate: Gate) -> None:
        self.partition = partition
        self.kind = kind
        self.gate = gate
        self.idle_since: float | None = None
        self.items: dict[str, Item] = {}
        self.overflow = False
        self.skipped = False
        """Something was left behind the horizon since its rows were last asked for."""
        self.horizon = -1
        """Offset of the last effect held; with `overflow` there are more behind it."""
        self._lines: dict[str, list[tuple[int, str]]] = {}
        self._heads: list[tuple[int, str]] = []

    def put(self, row: Row) -> bool:
        """Take a committed row in; False where it stays in the database only."""
        item = self.items.get(row.id)
        if item is None:
            return self._add(row)
        if row.version > item.row.version:
            item.row = row
            if item.state != "running":
                self.settle(item)
        return True

    def _add(self, row: Row) -> bool:
        if row.status not in ("ready", "waiting"):
            return True
        if row.offset > self.horizon:
            if self.overflow or len(self.items) >= WINDOW:
                self.overflow = self.skipped = True
                return False
            self.horizon = row.offset
        item = self.items[row.id] = Item(row)
        heappush(self._lines.setdefault(item.line, []), (row.offset, row.id))
        self.offer(item)
        return True

    def settle(self, item: Item) -> None:
        """The item is what its row says."""
        item.state, item.upto = item.row.status, None
        if item.state in ("ready", "waiting"):
            self.offer(item)
        else:
            self._remove(item)

    def _remove(self, item: Item) -> None:
        del self.items[item.row.id]
        if (head := self._head(item.line)) is not None:
            self.offer(head)

    def offer(self, item: Item) -> None:
        if item.state == "ready" and self._head(item.line) is item:
            heappush(self._heads, (item.row.offset, item.row.id))

    def _head(self, line: str) -> Item | None:
        """The first open effect of an object."""
        waiting = self._lines.get(line)
        while waiting:
            item = self.items.get(waiting[0][1])
            if item is not None:
                return item
            heappop(waiting)
        self._lines.pop(line, None)
        return None

    def next(self) -> Item | None:
        """The first effect that could begin, by the order of requests; it stays where it is."""
        while self._heads:
            item = self.items.get(self._heads[0][1])
            if item is not None and item.state == "ready" and self._head(item.line) is item:
                return item
            heappop(self._heads)
        return None
