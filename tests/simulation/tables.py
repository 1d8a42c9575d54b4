"""A worker's tables in memory, and the changelogs they come back from.

As in production they are caches: written after the commit, lost with the process, rebuilt from the changelog
by whoever takes the partition over. Faults make them old, wrong or empty; the books may not notice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import Any

from app.domain.state import Kind, Ref
from app.store.api import LaneId, Versioned

Ids = Iterable[tuple[str, str, bytes, int]]


class Changelog:
    """What one lane's tables wrote, newest version per key; older writes of a zombie are skipped."""

    def __init__(self) -> None:
        self.rows: dict[Ref, Versioned] = {}
        self.history: dict[Ref, Versioned] = {}
        self.ids: dict[tuple[str, str], tuple[bytes, int]] = {}

    def write(self, rows: Mapping[Ref, Versioned], ids: Ids) -> None:
        for ref, row in rows.items():
            known = self.rows.get(ref)
            if known is None or known.version < row.version:
                if known is not None:
                    self.history[ref] = known
                self.rows[ref] = row
        for key, record_id, content_hash, offset in ids:
            self.ids[key, record_id] = (content_hash, offset)


class SimulatedTables:
    """Implements what a lane asks of `app.lane.ports.Tables`, but for the step that `write` takes.

    `kinds` are the kinds of rows cached: production has accounts only, schedules try others as well.
    """

    def __init__(self, changelogs: Mapping[LaneId, Changelog], kinds: Collection[Kind], dedup: bool) -> None:
        self._changelogs = changelogs
        self._kinds = kinds
        self._dedup = dedup
        self._rows: dict[LaneId, dict[Ref, Versioned]] = {}
        self._ids: dict[LaneId, dict[tuple[str, str], tuple[bytes, int]]] = {}

    def caches(self, ref: Ref) -> bool:
        return ref.kind in self._kinds

    def read(self, lane: LaneId, ref: Ref) -> Versioned | None:
        rows = self._rows.get(lane)
        return None if rows is None else rows.get(ref)

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        known = self._ids.get(lane, {}).get((key, record_id))
        return known[0] if known is not None and known[1] < before else None

    def assign(self, owned: Collection[LaneId]) -> None:
        """Recover what came, drop what went."""
        for gone in [lane for lane in self._rows if lane not in owned]:
            del self._rows[gone]
            self._ids.pop(gone, None)
        for lane in sorted(owned):
            if lane not in self._rows:
                changelog = self._changelogs[lane]
                self._rows[lane] = dict(changelog.rows)
                self._ids[lane] = dict(changelog.ids)

    def put(self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Ids) -> None:
        """The effect of `write`: the changelog takes everything, the table what is newer."""
        own = self._rows.get(lane)
        if own is None:
            return
        ids = list(ids) if self._dedup else []
        self._changelogs[lane].write(rows, ids)
        for ref, row in rows.items():
            known = own.get(ref)
            if known is None or known.version < row.version:
                own[ref] = row
        kept = self._ids[lane]
        for key, record_id, content_hash, offset in ids:
            kept[key, record_id] = (content_hash, offset)

    def make_stale(self, rng: Random) -> None:
        """Some entries go back to what they were one change ago."""
        for lane, rows in self._rows.items():
            for ref, older in self._changelogs[lane].history.items():
                if ref in rows and rng.random() < 0.7:
                    rows[ref] = older

    def forge(self, rng: Random) -> None:
        """Some entries say something else, under the right version or a wrong one."""
        for rows in self._rows.values():
            for ref, row in list(rows.items()):
                chance = rng.random()
                if chance < 0.3:
                    rows[ref] = Versioned(_other(row.value), row.version)
                elif chance < 0.5:
                    rows[ref] = Versioned(row.value, row.version + 1 + int(rng.random() * 5))

    def lose(self) -> None:
        """The process lost its tables and the broker their changelogs."""
        for lane, rows in self._rows.items():
            rows.clear()
            self._ids[lane].clear()
            changelog = self._changelogs[lane]
            changelog.rows.clear()
            changelog.history.clear()
            changelog.ids.clear()


def _other(value: Any) -> Any:
    """A value of the same type that is not `value`."""
    return value + 1_000_000 if isinstance(value, int) else value
