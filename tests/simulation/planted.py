"""Bugs planted in the engine or the store, each a small variant of it; the simulator has to find each.

What a variant is called says what it leaves out; its docstring says what it looks like from outside.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from app.domain.decision import Leg, Refused
from app.domain.state import Ref
from app.errors import BadData
from app.lane import batching, deciding, intake, lane
from app.lane.batching import Applied, BatchRun
from app.lane.deciding import Deciding
from app.lane.intake import Entry
from app.lane.lane import Lane
from app.lane.memory import Memory
from app.lane.outbox import OutboxPublisher
from app.lane.outgoing import unpack
from app.lane.ports import Deps, LogRecord
from app.lane.watchdog import Watchdog
from app.store.api import Commit, DueTimer, LaneId
from app.store.changes import Changes
from tests.simulation import worker
from tests.simulation.plant import Plant, patching
from tests.simulation.store import NEVER, SimulatedStore
from tests.simulation.tables import SimulatedTables


class NoCompareAndSwap(SimulatedStore):
    """A commit is taken wherever the position stands."""

    def apply(self, commit: Commit) -> None:
        self.next_offsets[commit.lane] = commit.first
        super().apply(commit)


class NoVersions(SimulatedStore):
    """Whatever the decision saw is believed, tables included."""

    def _outdated(self, lane: LaneId, changes: Changes) -> list[Ref]:
        return []


class VersionsOnlyOfWrites(SimulatedStore):
    """What a table gave and nobody changed is not compared."""

    def _outdated(self, lane: LaneId, changes: Changes) -> list[Ref]:
        return super()._outdated(lane, changes._replace(reads={}))


class TimersGoWhenFired(SimulatedStore):
    """The pump deletes what it fires: a crash before the record is in the log, and the timer is lost."""

    async def take_due_timers(
        self, lanes: Collection[LaneId], now: datetime, limit: int, refire_after_seconds: float
    ) -> list[DueTimer]:
        return await super().take_due_timers(lanes, now, limit, 1e9)


class CountsWithoutKeys(SimulatedStore):
    """Two records of one id are kept side by side: nothing in the database speaks up."""

    def apply(self, commit: Commit) -> None:
        known = {name: row for name, row in self.record_keys.items() if name[0] == commit.lane.topic}
        for row in commit.keys:
            self.record_keys.pop((commit.lane.topic, row.key, row.id), None)
        super().apply(commit)
        self.record_keys.update(known)


class NoDedup(BatchRun):
    """Every id is new."""

    async def _known_ids(self, entries: list[Entry], trust_tables: bool) -> dict[tuple[str, str], bytes]:
        return {}


class Beforehand(BatchRun):
    """Does something with a commit before the store has it."""

    async def _beforehand(self, commit: Commit) -> None:
        raise NotImplementedError

    def _commit_of(self, decided: Deciding, first: int, next_offset: int) -> Commit:
        self._decided = decided
        return super()._commit_of(decided, first, next_offset)

    async def run(
        self, records: Sequence[LogRecord], first: int, next_offset: int, poison: str | None
    ) -> Applied:
        deps, beforehand = self._deps, self._beforehand

        class Store:
            def __getattr__(self, name: str) -> Any:
                return getattr(deps.store, name)

            async def commit(self, commit: Commit) -> None:
                await beforehand(commit)
                await deps.store.commit(commit)

        self._deps = Deps(**{**{f: getattr(deps, f) for f in deps.__struct_fields__}, "store": Store()})
        return await super().run(records, first, next_offset, poison)


class PublishesFirst(Beforehand):
    """The world hears of what may never be committed."""

    async def _beforehand(self, commit: Commit) -> None:
        if commit.outbox:
            await self._deps.publisher.publish(unpack(commit.outbox))


class TablesFirst(Beforehand):
    """The tables know ids that may never be committed: their records then look like duplicates."""

    async def _beforehand(self, commit: Commit) -> None:
        ids = [(row.key, row.id, row.content_hash, row.offset) for row in commit.keys]
        await self._deps.tables.write(self._lane, {}, ids)


class KeepsMemory(Memory):
    """What a lane remembers survives a moved position."""

    __slots__ = ()

    def forget(self) -> None:
        return None


class SkipsHoles(Lane):
    """What the framework did not deliver is taken for offsets without records."""

    async def _refill(self, position: int, upto: int) -> None:
        await self._apply([], upto)


class DropsBadBatches(Lane):
    """One record that the database refuses takes its whole batch with it."""

    async def _apply(self, records: Sequence[LogRecord], next_offset: int) -> None:
        try:
            await self._commit(records, next_offset, poison=None)
        except BadData:
            await self._commit([], next_offset, poison=None)


class ForgetsOwnBatch(Deciding):
    """A repeat inside one batch is not noticed."""

    def _apply_rules(self, entry: Entry) -> str:
        outcome = super()._apply_rules(entry)
        self._known = dict(self._known)
        return outcome

    def _decide(self, entry: Entry) -> str:
        known = dict(self._known)
        outcome = super()._decide(entry)
        self._known = known
        return outcome


class ChargesForRefusals(Deciding):
    """A refused request posts a fee."""

    def _refuse(self, entry: Entry, refusal: Refused) -> str:
        draft = self._draft(entry)
        legs = [Leg("psp_fee", "debit", 1, "EUR"), Leg("plat_fee", "credit", 1, "EUR")]
        draft.post("refusal", legs, draft.now)
        self._absorb(draft, entry)
        return super()._refuse(entry, refusal)


class DeletesBeforeAcks(OutboxPublisher):
    """The outbox row goes first, then the records: a crash in between and nobody hears of them."""

    async def _publish(self, applied: Applied) -> None:
        if applied.outgoing:
            await self._insist(lambda: self._deps.store.outbox_done(self._lane, [applied.first]))
            await self._insist(lambda: self._deps.publisher.publish(applied.outgoing))


class PublishesSideBySide(OutboxPublisher):
    """Batch n+1 goes out while n is still on its way."""

    async def settle(self) -> None:
        return None


class LeavesLeftovers(OutboxPublisher):
    """What an earlier owner committed and did not publish stays where it is, unless it grows old."""

    async def publish_leftovers(self) -> None:
        await self.settle()
        for row in await self._deps.store.outbox([self._lane]):
            await self._deps.store.outbox_done(self._lane, [row.first_offset])


class BelievesTableAhead(SimulatedTables):
    """An id that only a lost life of the database committed counts as a repeat."""

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        return super().known_id(lane, key, record_id, NEVER)


class TrustsOwnPosition(Watchdog):
    """A lane that is ahead of a restored database is not made to look again."""

    async def _catch_up(self, lane: LaneId, position: int, end: int) -> None:
        await self._lanes[lane].catch_up(end)


class AsksForPoison(Entry):
    """The database is asked once more for what it has just refused."""

    __slots__ = ()

    def bury(self, reason: str) -> None:
        self.dead, self.forward = reason, None


def _park_nothing(draft: object, subject: str, encoded: bytes) -> None:
    """A fact that waits for its parent is counted and forgotten."""


PLANTED: Final = (
    Plant("no_compare_and_swap", store=NoCompareAndSwap),
    Plant("publish_before_commit", patched=patching((lane, "BatchRun", PublishesFirst))),
    Plant("no_dedup", store=CountsWithoutKeys, patched=patching((lane, "BatchRun", NoDedup))),
    Plant("repeat_in_one_batch", patched=patching((batching, "Deciding", ForgetsOwnBatch))),
    Plant("no_versions", store=NoVersions),
    Plant("reads_not_compared", store=VersionsOnlyOfWrites),
    Plant("timer_lost_when_fired", store=TimersGoWhenFired),
    Plant("hole_not_refilled", patched=patching((Lane, "_refill", SkipsHoles._refill))),
    Plant("bad_batch_dropped", patched=patching((Lane, "_apply", DropsBadBatches._apply))),
    Plant(
        "table_written_before_commit",
        patched=patching((lane, "BatchRun", TablesFirst), (worker, "SimulatedTables", BelievesTableAhead)),
    ),
    Plant("memory_kept_when_moved", patched=patching((lane, "Memory", KeepsMemory))),
    Plant("refusal_that_posts", patched=patching((batching, "Deciding", ChargesForRefusals))),
    Plant("parked_record_forgotten", patched=patching((deciding, "park", _park_nothing))),
    Plant("outbox_deleted_before_acks", patched=patching((lane, "OutboxPublisher", DeletesBeforeAcks))),
    Plant("batches_published_side_by_side", patched=patching((lane, "OutboxPublisher", PublishesSideBySide))),
    Plant("table_ahead_believed", patched=patching((worker, "SimulatedTables", BelievesTableAhead))),
    Plant("restored_position_ignored", patched=patching((worker, "Watchdog", TrustsOwnPosition))),
    Plant("poison_asked_again", patched=patching((intake, "Entry", AsksForPoison))),
    Plant("leftovers_dropped", patched=patching((lane, "OutboxPublisher", LeavesLeftovers))),
)
