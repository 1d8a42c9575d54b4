"""The open effects of one target, in order: which of them could begin next, and how many are held. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Final

import msgspec

from app.domain.effect import Effect
from app.effects.gate import Gate

WINDOW: Final = 2_000
"""Effects of one target that are held."""
FAR: Final = datetime.max.replace(tzinfo=UTC)
WAITING_WEIGHS: Final = 10
"""So many that wait for their timers count as one: a target that fails for some of its effects, for hours,
still gets the others."""


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
        self.reported: dict[str, Item] = {}
        self._earliest = FAR
        """No deadline is earlier."""
        self._waiting = 0
        self._lines: dict[str, list[tuple[int, str]]] = {}
        self._busy: dict[str, str] = {}
        """Line -> the effect that is attempted: one that is redriven meanwhile has to wait for its end."""
        self._heads: list[tuple[int, str]] = []

    @property
    def held(self) -> int:
        """How much of the window is taken."""
        return len(self.items) - self._waiting + self._waiting // WAITING_WEIGHS

    def put(self, row: Row) -> bool:
        """Take a committed row in; False where it stays in the database only."""
        item = self.items.get(row.id)
        if item is None:
            return self._add(row)
        if row.version > item.row.version:
            item.row = row
            self._earliest = min(self._earliest, row.deadline_at)
            if item.state != "running":
                self.settle(item)
        return True

    def _add(self, row: Row) -> bool:
        if row.status not in ("ready", "waiting"):
            return True
        if row.offset > self.horizon:
            if self.overflow or self.held >= WINDOW:
                self.overflow = self.skipped = True
                return False
            self.horizon = row.offset
        item = self.items[row.id] = Item(row)
        self._waiting += item.state == "waiting"
        self._earliest = min(self._earliest, row.deadline_at)
        heappush(self._lines.setdefault(item.line, []), (row.offset, row.id))
        self._offer(item)
        return True

    def begin(self, item: Item, now: float) -> None:
        item.state, item.since = "running", now
        self._busy[item.line] = item.row.id

    def report(self, item: Item, now: float) -> None:
        """Its attempt is over; what comes of it is its lane's to say."""
        item.state, item.since, item.upto = "reported", now, None
        self.reported[item.row.id] = item

    def late(self, now: datetime) -> list[Item]:
        """What could begin, were it not too late. All are looked at only where a deadline may have passed."""
        if self._earliest >= now:
            return []
        found = [item for item in self.items.values() if item.state == "ready" and item.row.deadline_at < now]
        if not found:
            self._earliest = min((item.row.deadline_at for item in self.items.values()), default=FAR)
        return found

    def settle(self, item: Item) -> None:
        """The item is what its row says."""
        self._waiting += (item.row.status == "waiting") - (item.state == "waiting")
        item.state, item.upto = item.row.status, None
        self.reported.pop(item.row.id, None)
        if item.state not in ("ready", "waiting"):
            del self.items[item.row.id]
        if self._busy.get(item.line) == item.row.id:
            del self._busy[item.line]
        if (head := self._head(item.line)) is not None:
            self._offer(head)

    def _offer(self, item: Item) -> None:
        if self._may_begin(item):
            heappush(self._heads, (item.row.offset, item.row.id))

    def _may_begin(self, item: Item) -> bool:
        return item.state == "ready" and item.line not in self._busy and self._head(item.line) is item

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
            if item is not None and self._may_begin(item):
                return item
            heappop(self._heads)
        return None
