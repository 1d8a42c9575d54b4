"""The store in memory as the simulator uses it: PostgreSQL's refusals of text on reading, quick timers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from copy import copy
from datetime import datetime
from typing import Any

from app.domain.state import Ref
from app.domain.timers import epoch_ms
from app.errors import BadData
from app.store.api import Commit, DueTimer, LaneId, Versioned
from app.store.changes import Changes
from tests.support.memory_store import MemoryStore

NEVER = 1 << 62


class SimulatedStore(MemoryStore):
    """`_wake_ms`: no timer has to be looked at before this moment, epoch milliseconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._wake_ms = NEVER

    def backup(self) -> dict[str, Any]:
        """Everything as it stands, to be restored later."""
        return {name: copy(kept) for name, kept in vars(self).items() if name != "clock"}

    def restore(self, backup: dict[str, Any]) -> None:
        """What was committed since is gone, and nobody is told."""
        vars(self).update({name: copy(kept) for name, kept in backup.items()})

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        for ref in refs:
            _refuse_nul(ref.key)
        return await super().load(lane, refs)

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        for id_ in ids:
            _refuse_nul(id_)
        return await super().known_ids(lane, ids)

    async def outbox_ages(self, lanes: Collection[LaneId]) -> dict[LaneId, float]:
        return await super().outbox_ages(lanes) if self.outbox_rows else {}

    async def commit(self, commit: Commit) -> None:
        self.apply(commit)

    def _write_rows(self, lane: LaneId, changes: Changes) -> None:
        super()._write_rows(lane, changes)
        for ref, change in changes.writes.items():
            if ref.kind == "timer" and change.value.due_at_ms < self._wake_ms:
                self._wake_ms = change.value.due_at_ms

    def _due(self, lanes: Collection[LaneId], now: datetime, refire: float) -> Iterable[DueTimer]:
        if epoch_ms(now) < self._wake_ms:
            return []
        due = list(super()._due(lanes, now, refire))
        self._wake_ms = self._next_wake(int(refire * 1000))
        return due

    def _next_wake(self, refire_ms: int) -> int:
        """The soonest moment at which a timer may be fired, for the first time or again."""
        wake = NEVER
        for place in self.timer_lanes:
            fired = self.fired_at.get(place)
            moment = self.rows[place].value.due_at_ms if fired is None else epoch_ms(fired) + refire_ms
            wake = min(wake, moment)
        return wake


def _refuse_nul(texts: Collection[str]) -> None:
    if any("\x00" in text for text in texts):
        raise BadData("a NUL cannot be compared with text")
