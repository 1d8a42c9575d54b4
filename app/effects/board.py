"""Which effects may be attempted now: a pure scheduler in memory over the open effects of owned partitions.

It is told of rows as they are committed (`note`), says what may begin (`start`), and is told what ended
(`ended`). PostgreSQL holds the truth; what is here may be forgotten at any time and is read again.

* Effects of one target and object go one after the other, in the order of their requests: the first that is
  open blocks its own object and no other. Effects without an object wait for nobody.
* Each target has its gate (`gate.py`); targets and kinds take turns (`turns.py`), so that a slow one delays
  nobody else.
* Of a partition nothing begins before all that is open there was read: it might overtake (`hold`).
* Of a target at most `WINDOW` effects are held; the rest waits in the database (`to_refill`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from app.domain.effect_policy import Policy
from app.effects.gate import Gate
from app.effects.lot import WINDOW, Item, Lot, Row
from app.effects.turns import Turns

KEEP: Final = 64
"""Of these so many with their work; that of the others is read when it is their turn."""
CROWDED: Final = 20_000
"""With so many effects held in all, no more works are kept."""
IDLE_SECONDS: Final = 300.0
LATE_AT_ONCE: Final = 500
"""Each is read and reported: more would take the database from those that may still be done."""
DEFAULT_MOST_OF_KIND: Final = 1_000_000


class Board:
    """`policy_of(kind, target)`: the limits in force; asked when a target is first seen.

    `most_of_kind`: attempts of one kind under way at once.
    """

    def __init__(
        self, policy_of: Callable[[str, str], Policy], most_of_kind: int = DEFAULT_MOST_OF_KIND
    ) -> None:
        self._policy_of = policy_of
        self._turns = Turns(most_of_kind)
        self._lots: dict[str, Lot] = {}
        self._held: set[int] = set()
        """Partitions of which not all has been read."""
        self._crowded = False

    @property
    def running(self) -> int:
        """Attempts under way, and effects whose end is about to be said."""
        return self._turns.running.total()

    def note(self, row: Row) -> None:
        """A row as it was committed, in any order and as often as one likes; older ones change nothing."""
        lot = self._lots.get(row.target)
        if lot is None:
            if row.status not in ("ready", "waiting"):
                return
            gate = Gate(self._policy_of(row.kind, row.target))
            lot = self._lots[row.target] = Lot(row.partition, row.kind, gate)
        if row.effect is not None and (self._crowded or len(lot.items) >= KEEP):
            row = msgspec.structs.replace(row, effect=None)
        lot.put(row)
        self._turns.add(lot.kind, row.target)

    def hold(self, partitions: Collection[int]) -> None:
        """Begin nothing of these until they are released."""
        self._held.update(partitions)

    def release(self, partitions: Collection[int]) -> None:
        """All that is open there was noted."""
        released = self._held.intersection(partitions)
        self._held -= released
        for target, lot in self._lots.items() if released else ():
            if lot.partition in released:
                self._turns.add(lot.kind, target)

    def start(self, now: float, room: int) -> list[Row]:
        """Up to `room` effects that may begin now, targets taking turns; they are running from here on."""
        return self._turns.take(now, room, self._begin_one)

    def _begin_one(self, target: str, now: float) -> Row | None:
        lot = self._lots.get(target)
        item = None if lot is None or lot.partition in self._held else lot.next()
        if lot is None or item is None:
            return None
        opens = lot.gate.opens_at(now)
        if opens is None or opens > now:
            if opens is not None:
                self._turns.sleep(opens, lot.kind, target)
            return None
        lot.gate.start(now)
        lot.begin(item, now)
        return item.row

    def wakes_at(self) -> float | None:
        """When a gate opens that something waits for; None: nothing waits for the clock."""
        return self._turns.wakes_at()

    def ended(self, row: Row, healthy: bool | None, now: float) -> None:
        """An attempt is over and reported; nothing of it begins again until a newer row is noted.

        `healthy` None: nothing was tried, which says nothing about the target.
        """
        self._turns.running[row.kind] -= 1
        lot = self._lots.get(row.target)
        item = None if lot is None else lot.items.get(row.id)
        if lot is None or item is None or item.state != "running":
            return
        if healthy is None:
            lot.gate.untried()
        else:
            lot.gate.ended(healthy, now)
        if item.row.version > row.version:
            lot.settle(item)
        else:
            lot.report(item, now)
        self._turns.add(lot.kind, row.target)

    def to_refill(self) -> list[tuple[str, int]]:
        """(target, offset): targets whose window has room, and the offset behind which more is to be read."""
        asked = []
        for name, lot in self._lots.items():
            if lot.overflow and lot.held <= WINDOW // 2:
                lot.skipped = False
                asked.append((name, lot.horizon))
        return asked

    def refill(self, target: str, rows: Sequence[Row], is_all: bool) -> None:
        """What was read behind the horizon, in order. `is_all`: there is nothing behind these."""
        lot = self._lots.get(target)
        if lot is None:
            return
        skipped, lot.overflow = lot.skipped, False
        for row in rows:
            self.note(row)
        lot.overflow = lot.overflow or skipped or not is_all

    def stale(self, before: float) -> list[Item]:
        """What was reported before `before` and has not been heard of since: another worker may have decided
        it, or its lane found nothing new in it.
        """
        return [item for lot in self._lots.values() for item in lot.reported.values() if item.since < before]

    def correct(self, row: Row) -> None:
        """What the database says of an effect whose report must have been decided."""
        lot = self._lots.get(row.target)
        item = None if lot is None else lot.items.get(row.id)
        if lot is None or item is None or item.state != "reported" or item.upto is None:
            return
        item.row = row
        lot.settle(item)
        self._turns.add(lot.kind, row.target)

    def expire(self, now: datetime) -> list[Row]:
        """Effects whose deadline passed before an attempt began, some of them; `ended` with `healthy` None
        follows.
        """
        late = islice(self._late(now), LATE_AT_ONCE)
        rows = []
        for lot, item in late:
            item.state = "running"
            lot.gate.running += 1
            self._turns.running[item.row.kind] += 1
            rows.append(item.row)
        return rows

    def _late(self, now: datetime) -> Iterator[tuple[Lot, Item]]:
        for lot in self._lots.values():
            for item in lot.late(now):
                yield lot, item

    def follow(self) -> None:
        """The limits have changed."""
        for target, lot in self._lots.items():
            lot.gate.follow(self._policy_of(lot.kind, target))
            self._turns.add(lot.kind, target)

    def drop(self, owned: Collection[int]) -> None:
        """Forget what is in partitions that are not owned (any more)."""
        self._lots = {target: lot for target, lot in self._lots.items() if lot.partition in owned}
        self._held.intersection_update(owned)

    def forget_idle(self, now: float) -> None:
        """Targets that had nothing to do for so long that what was learned of them is worth nothing."""
        self._crowded = sum(len(lot.items) for lot in self._lots.values()) > CROWDED
        for target, lot in list(self._lots.items()):
            if lot.items or lot.overflow or lot.gate.running:
                lot.idle_since = None
            elif lot.idle_since is None:
                lot.idle_since = now
            elif now - lot.idle_since > IDLE_SECONDS:
                del self._lots[target]

    def lots(self) -> Mapping[str, Lot]:
        return self._lots
