"""`GET /v1/status`: the lanes, the workers and the state of the books, from the shared snapshot."""

from __future__ import annotations

from typing import Final

import msgspec

from app.domain.mismatch import OPEN_STATUSES
from app.store.api import LaneId
from app.store.web_figures import Books, LaneFigures, VerifyRun, WorkerFigures
from web.call import Call, NoQuery
from web.effects_status import effects_status
from web.schemas import (
    Backlog,
    CategoryCount,
    DeadLetters,
    DetectionStatus,
    DetectionTimes,
    KafkaStatus,
    KindBalance,
    LedgerCounts,
    OpenCount,
    PartitionStatus,
    Status,
    VerifyStatus,
    WorkerStatus,
)
from web.snapshots import Snapshot

ALIVE_SECONDS: Final = 10.0
"""A worker writes its row every second."""
REACHABLE_SECONDS: Final = 10.0


async def get_status(call: Call[NoQuery]) -> Status:
    return status_of(await call.deps.snapshots.current())


def status_of(snapshot: Snapshot) -> Status:
    fast, books, counts, age = snapshot.fast, snapshot.books, snapshot.counts, snapshot.ends_age_seconds
    partitions = [_partition(lane, snapshot) for lane in fast.lanes]
    return Status(
        as_of=fast.now,
        counted_at=min(books.now, counts.now),
        partitions=partitions,
        workers=[_worker(worker) for worker in fast.workers],
        kafka=KafkaStatus(reachable=age is not None and age <= REACHABLE_SECONDS, age_seconds=_rounded(age)),
        last_verify=_verify(fast.verify),
        dead_letters=_dead_letters(books),
        effects=effects_status(snapshot, ALIVE_SECONDS),
        outbox=_backlog([(lane.outbox_rows, lane.outbox_age_seconds) for lane in fast.lanes]),
        timers=_backlog([(lane.timers_overdue, lane.timer_age_seconds) for lane in fast.lanes]),
        mismatches=[CategoryCount(**msgspec.structs.asdict(count)) for count in books.mismatches],
        open_mismatches=_open(books),
        detection=_detection(snapshot),
        ledger=LedgerCounts(
            transactions=counts.ledger_transactions, entries=counts.ledger_entries, payments=counts.payments
        ),
        balances=[KindBalance(**msgspec.structs.asdict(balance)) for balance in books.balances],
    )


def _partition(lane: LaneFigures, snapshot: Snapshot) -> PartitionStatus:
    lane_id = LaneId(lane.topic, lane.partition)
    end = snapshot.ends.get(lane_id)
    return PartitionStatus(
        topic=lane.topic,
        partition=lane.partition,
        position=lane.next_offset,
        end_offset=end,
        # The end was read a moment before the position: a position ahead of it is no negative lag.
        lag=None if end is None else max(0, end - lane.next_offset),
        records_per_second=_rounded(snapshot.rates.get(lane_id)),
        holes=_counter(snapshot, lane_id, "holes"),
        conflicts=_counter(snapshot, lane_id, "moved") + _counter(snapshot, lane_id, "stale"),
        halted=lane.halted_reason,
        halted_at=lane.halted_at,
        updated_at=lane.updated_at,
        worker_id=_owner(snapshot, lane_id),
        outbox_rows=lane.outbox_rows,
        outbox_age_seconds=round(lane.outbox_age_seconds, 3),
        timers_overdue=lane.timers_overdue,
        timer_age_seconds=round(lane.timer_age_seconds, 3),
    )


def _counter(snapshot: Snapshot, lane: LaneId, name: str) -> int:
    """Summed over workers: a lane that moved was counted by each of its owners."""
    figures = (worker.figures.get(str(lane), {}) for worker in snapshot.fast.workers)
    return sum(value for counters in figures if isinstance(value := counters.get(name), int))


def _owner(snapshot: Snapshot, lane: LaneId) -> str | None:
    """The living worker that says it owns the lane; of two (during a takeover) the one heard last."""
    owners = [
        worker
        for worker in snapshot.fast.workers
        if str(lane) in worker.lanes and worker.silent_seconds <= ALIVE_SECONDS
    ]
    return min(owners, key=lambda worker: worker.silent_seconds).worker_id if owners else None


def _worker(worker: WorkerFigures) -> WorkerStatus:
    return WorkerStatus(
        worker_id=worker.worker_id,
        host=worker.host,
        pid=worker.pid,
        alive=worker.silent_seconds <= ALIVE_SECONDS,
        silent_seconds=round(worker.silent_seconds, 1),
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        rss_bytes=worker.rss_bytes,
        lanes=worker.lanes,
    )


def _verify(run: VerifyRun | None) -> VerifyStatus | None:
    return VerifyStatus(**msgspec.structs.asdict(run)) if run else None


def _open(books: Books) -> list[OpenCount]:
    counts: dict[tuple[str, str], int] = {}
    for found in books.mismatches:
        if found.status in OPEN_STATUSES:
            key = found.category, found.severity
            counts[key] = counts.get(key, 0) + found.count
    return [
        OpenCount(category=category, severity=severity, count=count)
        for (category, severity), count in sorted(counts.items())
    ]


def _detection(snapshot: Snapshot) -> DetectionStatus:
    lately, since_start = snapshot.lately, snapshot.since_start
    return DetectionStatus(
        opened_last_minute=lately.opened_last_minute,
        last_15_minutes=DetectionTimes(**msgspec.structs.asdict(lately.times)),
        since_start=DetectionTimes(**msgspec.structs.asdict(since_start.times)),
    )


def _dead_letters(books: Books) -> DeadLetters:
    counts = dict.fromkeys(("new", "redriven", "discarded"), 0)
    for letters in books.dead_letters:
        counts[letters.status] += letters.count
    return DeadLetters(**counts)


def _backlog(rows: list[tuple[int, float]]) -> Backlog:
    return Backlog(
        rows=sum(count for count, _ in rows),
        oldest_age_seconds=round(max((age for count, age in rows if count), default=0.0), 3),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
