"""A `Store` in memory for the simulator: the same answers and refusals as PostgreSQL, held to it by
`tests/store/test_behaviour.py`.

Everything is public, so that a test can look at it or damage it. Time comes from `clock` (epoch seconds).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from time import time
from typing import Any, NamedTuple

from app.domain.decision import Transaction
from app.domain.state import Ref
from app.domain.timers import Timer, epoch_ms
from app.errors import BadData, FailStop, Moved, Stale
from app.store.api import (
    BLIND,
    Commit,
    DeadLetterRow,
    DueTimer,
    KeyRow,
    LaneId,
    OutboxRow,
    Position,
    Versioned,
)
from app.store.changes import Changes, plain_text, sort_changes, source_offset
from app.store.shapes import document

STRIKES_TO_HALT = 3
BIGINT = range(-(2**63), 2**63)
OF_LANE = frozenset({"platform", "account"})
OF_TOPIC = frozenset({"claim", "parked", "timer"})

Address = tuple[Any, Ref]
"""(lane, topic or None, ref): in whose reach a row is unique."""


class BatchRow(NamedTuple):
    lane: LaneId
    first: int
    last: int
    counts: dict[str, int]


def address(lane: LaneId, ref: Ref) -> Address:
    if ref.kind in OF_LANE:
        return (lane, ref)
    return (lane.topic if ref.kind in OF_TOPIC else None, ref)


class MemoryStore:
    def __init__(self, clock: Callable[[], float] = time) -> None:
        self.clock = clock
        self.next_offsets: dict[LaneId, int] = {}
        self.halted: dict[LaneId, str] = {}
        self.strikes: dict[tuple[LaneId, int], int] = defaultdict(int)
        self.leases: dict[LaneId, tuple[str, float]] = {}
        self.batches: list[BatchRow] = []
        self.record_keys: dict[tuple[str, str, str], tuple[LaneId, KeyRow]] = {}
        self.dead_letters: dict[tuple[LaneId, int], DeadLetterRow] = {}
        self.rows: dict[Address, Versioned] = {}
        self.timer_lanes: dict[Address, LaneId] = {}
        self.fired_at: dict[Address, datetime] = {}
        self.transactions: dict[str, Transaction] = {}
        self.outbox_rows: dict[tuple[LaneId, int], tuple[bytes, float]] = {}

    async def position(self, lane: LaneId) -> Position:
        return Position(self.next_offsets.setdefault(lane, 0), self.halted.get(lane))

    async def positions(self, lanes: Collection[LaneId]) -> dict[LaneId, Position]:
        return {lane: await self.position(lane) for lane in lanes}

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        found = ((ref, self.rows.get(address(lane, ref))) for ref in refs)
        return {ref: row for ref, row in found if row is not None}

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        found = ((id_, self.record_keys.get((lane.topic, *id_))) for id_ in ids)
        return {id_: row[1].content_hash for id_, row in found if row is not None}

    async def commit(self, commit: Commit) -> None:
        self.apply(commit)

    def apply(self, commit: Commit) -> None:
        """`commit` without awaiting: everything is checked before anything is changed."""
        lane = commit.lane
        changes = sort_changes(commit)
        _refuse_bad_data(commit, changes)
        if self.next_offsets.get(lane) != commit.first or lane in self.halted:
            raise Moved(f"position of {lane} is not {commit.first} or it is halted")
        self._refuse_broken(commit)
        outdated = self._outdated(lane, changes)
        if outdated:
            raise Stale(outdated)
        self._write_rows(lane, changes)
        self._write_log(commit)

    def _outdated(self, lane: LaneId, changes: Changes) -> list[Ref]:
        seen: dict[Ref, int | None] = {ref: change.seen for ref, change in changes.writes.items()}
        seen.update(changes.gone)
        outdated = [ref for ref, row in changes.reads.items() if self.rows.get(address(lane, ref)) != row]
        for ref, version in seen.items():
            row = self.rows.get(address(lane, ref))
            if version not in (BLIND, None if row is None else row.version):
                outdated.append(ref)
        return outdated

    def _refuse_broken(self, commit: Commit) -> None:
        """What the tables' keys and checks and the ledger's trigger refuse."""
        total = sum(commit.counts.values())
        if total > commit.next - commit.first or commit.next <= commit.first:
            raise FailStop(f"{total} records in offsets {commit.first} to {commit.next - 1}")
        ids = [(commit.lane.topic, row.key, row.id) for row in commit.keys]
        burials = [(commit.lane, row.offset) for row in commit.dead_letters]
        posted = [transaction.id for transaction in commit.transactions]
        _refuse_repeats("record_keys", ids, self.record_keys)
        _refuse_repeats("dead_letters", burials, self.dead_letters)
        _refuse_repeats("ledger_transactions", posted, self.transactions)
        for transaction in commit.transactions:
            source_offset(transaction.id)
            _refuse_imbalance(transaction)

    def _write_rows(self, lane: LaneId, changes: Changes) -> None:
        for ref in changes.gone:
            place = address(lane, ref)
            for kept in (self.rows, self.timer_lanes, self.fired_at):
                kept.pop(place, None)
        for ref, change in changes.writes.items():
            place = address(lane, ref)
            self.rows[place] = Versioned(change.value, change.version)
            if ref.kind == "timer":
                self.timer_lanes[place] = lane
                self.fired_at.pop(place, None)

    def _write_log(self, commit: Commit) -> None:
        lane = commit.lane
        self.next_offsets[lane] = commit.next
        self.batches.append(BatchRow(lane, commit.first, commit.next - 1, dict(commit.counts)))
        for key in commit.keys:
            self.record_keys[lane.topic, key.key, key.id] = (lane, key)
        for burial in commit.dead_letters:
            self.dead_letters[lane, burial.offset] = burial._replace(reason=plain_text(burial.reason))
        for transaction in commit.transactions:
            self.transactions[transaction.id] = transaction
        if commit.outbox:
            self.outbox_rows[lane, commit.first] = (commit.outbox, self.clock())

    async def outbox(self, lanes: Collection[LaneId]) -> list[OutboxRow]:
        now = self.clock()
        return [
            OutboxRow(lane, first, payload, now - created)
            for (lane, first), (payload, created) in sorted(self.outbox_rows.items())
            if lane in lanes
        ]

    async def outbox_ages(self, lanes: Collection[LaneId]) -> dict[LaneId, float]:
        ages: dict[LaneId, float] = {}
        for row in await self.outbox(lanes):
            ages[row.lane] = max(row.age_seconds, ages.get(row.lane, 0.0))
        return ages

    async def outbox_done(self, lane: LaneId, first_offsets: Collection[int]) -> None:
        for first in first_offsets:
            self.outbox_rows.pop((lane, first), None)

    async def adopt(self, lane: LaneId, worker_id: str, seconds: float) -> bool:
        holder, until = self.leases.get(lane, (worker_id, 0.0))
        if lane not in self.next_offsets or (holder != worker_id and until >= self.clock()):
            return False
        self.leases[lane] = (worker_id, self.clock() + seconds)
        return True

    async def take_due_timers(
        self, lanes: Collection[LaneId], now: datetime, limit: int, refire_after_seconds: float
    ) -> list[DueTimer]:
        due = sorted(self._due(lanes, now, refire_after_seconds), key=_firing_order)[:limit]
        for timer in due:
            ref = Ref("timer", (timer.key, timer.kind, timer.subject))
            self.fired_at[address(timer.lane, ref)] = now
        return due

    def _due(self, lanes: Collection[LaneId], now: datetime, refire: float) -> Iterable[DueTimer]:
        for place, lane in self.timer_lanes.items():
            row = self.rows.get(place)
            fired = self.fired_at.get(place)
            if row is None or lane not in lanes or row.value.due_at_ms > epoch_ms(now):
                continue
            if fired is None or (now - fired).total_seconds() >= refire:
                timer: Timer = row.value
                key, kind, subject = place[1].key
                record = document(timer.record).encode()
                yield DueTimer(lane, key, kind, subject, timer.due_at_ms, record)

    async def strike(self, lane: LaneId, offset: int, reason: str) -> int:
        self.strikes[lane, offset] += 1
        if self.strikes[lane, offset] >= STRIKES_TO_HALT:
            await self.halt(lane, f"{self.strikes[lane, offset]} fail-stops at offset {offset}: {reason}")
        return self.strikes[lane, offset]

    async def halt(self, lane: LaneId, reason: str) -> None:
        self.next_offsets.setdefault(lane, 0)
        self.halted.setdefault(lane, plain_text(reason))


def _firing_order(timer: DueTimer) -> tuple[Any, ...]:
    return (timer.due_at_ms, timer.lane, timer.key, timer.subject)


def _refuse_repeats(table: str, new: list[Any], known: Collection[Any]) -> None:
    if len(set(new)) < len(new) or any(item in known for item in new):
        raise FailStop(f"{table}: a key is there already")


def _refuse_imbalance(transaction: Transaction) -> None:
    totals: dict[str, int] = defaultdict(int)
    for entry in transaction.entries:
        if entry.amount <= 0:
            raise FailStop(f"ledger transaction {transaction.id}: amount {entry.amount}")
        totals[entry.currency] += entry.amount if entry.direction == "debit" else -entry.amount
    if any(totals.values()):
        raise FailStop(f"ledger transaction {transaction.id} does not balance: {dict(totals)}")


def _refuse_bad_data(commit: Commit, changes: Changes) -> None:
    """Texts that PostgreSQL cannot keep and numbers beyond bigint, where they stand in columns."""
    texts = [text for text in _texts(commit, changes) if text is not None]
    if not _encodable("".join(texts)):
        bad = next(text for text in texts if not _encodable(text))
        raise BadData(f"{bad!r} cannot be kept as text")
    for number in _numbers(commit, changes):
        if number not in BIGINT:
            raise BadData(f"{number} is out of range")


def _texts(commit: Commit, changes: Changes) -> Iterable[str | None]:
    for ref in (*changes.writes, *changes.gone, *changes.reads):
        yield from ref.key
    for key in commit.keys:
        yield from (key.key, key.id)
    for transaction in commit.transactions:
        yield from (transaction.merchant_id, transaction.payment_id, transaction.reverses)
        yield from (entry.account for entry in transaction.entries)


def _numbers(commit: Commit, changes: Changes) -> Iterable[int]:
    for ref, change in changes.writes.items():
        if ref.kind == "account":
            yield change.value
    for transaction in commit.transactions:
        for entry in transaction.entries:
            yield from (entry.amount, entry.balance_after)


def _encodable(text: str) -> bool:
    try:
        return b"\x00" not in text.encode()
    except UnicodeEncodeError:
        return False
