"""What the status, the metrics and the live page show, read for a whole web process at once.

`read_fast` touches small tables and index ends only and may run every second. `read_books` and
`read_counts` go through whole tables; their caller spaces them out. Times are the database's, so that ages
need no synchronised clocks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import orjson

from app.store.web_effects import EffectCount, read_effect_counts


class LaneFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One partition. Ages in seconds; `halted_reason` None: not halted; timers are counted up to 1000."""

    topic: str
    partition: int
    next_offset: int
    updated_at: datetime
    halted_at: datetime | None
    halted_reason: str | None
    outbox_rows: int
    outbox_age_seconds: float
    timers_overdue: int
    timer_age_seconds: float


class WorkerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's row. `figures`: lane -> counters since that worker's start."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    silent_seconds: float
    rss_bytes: int
    lanes: list[str]
    figures: dict[str, dict[str, Any]]


class VerifyRun(msgspec.Struct, frozen=True, kw_only=True):
    started_at: datetime
    finished_at: datetime
    complete: bool
    ok: bool
    checks: Any


class MismatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A mismatch as lists show it; amounts in minor units of `currency`. `seq` grows with every change."""

    id: str
    seq: int
    leg: str
    category: str
    severity: str
    status: str
    merchant_id: str | None
    psp: str | None
    payment_id: str | None
    batch_id: str | None
    currency: str | None
    expected_amount: int | None
    actual_amount: int | None
    detected_at: datetime
    detected_after_ms: int | None
    due_at: datetime
    assignee: str | None = None


class Fast(msgspec.Struct, frozen=True, kw_only=True):
    now: datetime
    lanes: list[LaneFigures]
    workers: list[WorkerFigures]
    verify: VerifyRun | None
    mismatches: list[MismatchRow]
    """The latest by time of detection, newest first."""


class KindBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Sum of the balances of all accounts of a kind, minor units, on the kind's normal side."""

    kind: str
    normal_side: str
    currency: str
    accounts: int
    balance: int


class MismatchCount(msgspec.Struct, frozen=True, kw_only=True):
    category: str
    severity: str
    status: str
    count: int


class DeadLetterCount(msgspec.Struct, frozen=True, kw_only=True):
    topic: str
    status: str
    count: int


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Balances by kind and currency, and what needs people, counted."""

    now: datetime
    balances: list[KindBalance]
    mismatches: list[MismatchCount]
    dead_letters: list[DeadLetterCount]
    effects: list[EffectCount]
    events_lost: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the tables that only grow."""

    now: datetime
    ledger_transactions: int
    ledger_entries: int
    payments: int


NOW = "SELECT clock_timestamp()"
"""Asked first, so that nothing that is shown is older than its time."""

LANES = """
SELECT p.topic, p.partition, p.next_offset, p.updated_at, p.halted_at, p.halted_reason,
       coalesce(o.rows, 0)::int AS outbox_rows,
       coalesce(extract(epoch FROM clock_timestamp() - o.oldest), 0)::float8 AS outbox_age_seconds,
       coalesce(t.rows, 0)::int AS timers_overdue,
       coalesce(extract(epoch FROM clock_timestamp() - t.oldest), 0)::float8 AS timer_age_seconds
  FROM positions p
  LEFT JOIN (SELECT topic, partition, count(*) AS rows, min(created_at) AS oldest
               FROM outbox GROUP BY topic, partition) o USING (topic, partition)
  LEFT JOIN LATERAL (SELECT count(*) AS rows, min(due_at) AS oldest
                       FROM (SELECT due_at FROM timers
                              WHERE timers.topic || ':' || timers.partition::text -- as in the index
                                    = p.topic || ':' || p.partition::text AND due_at <= now()
                              ORDER BY due_at LIMIT 1000) due) t ON true -- the first thousand say enough
 ORDER BY p.topic, p.partition
"""

WORKERS = """
SELECT worker_id, host, pid, started_at, seen_at,
       greatest(extract(epoch FROM clock_timestamp() - seen_at), 0)::float8 AS silent_seconds,
       rss_bytes, lanes, figures::text AS figures
  FROM workers ORDER BY worker_id
"""

VERIFY = """
SELECT started_at, finished_at, complete, ok, checks::text AS checks
  FROM verify_runs ORDER BY id DESC LIMIT 1
"""

MISMATCH_COLUMNS = """id, coalesce((state ->> 'seq')::int, 0) AS seq, leg, category, severity, status,
       merchant_id, psp, payment_id, batch_id, currency, expected_amount, actual_amount, detected_at,
       detected_after_ms, due_at, state ->> 'assignee' AS assignee"""

LATEST_MISMATCHES = f"""
SELECT {MISMATCH_COLUMNS}
  FROM mismatches ORDER BY detected_at DESC, id DESC LIMIT $1
"""

BALANCES = """
SELECT k.prefix AS kind, k.normal_side::text AS normal_side, a.currency,
       count(DISTINCT a.account)::int AS accounts, sum(a.balance)::text AS balance
  FROM accounts a JOIN account_kinds k ON k.prefix = split_part(a.account, ':', 1)
 GROUP BY k.prefix, k.normal_side, a.currency ORDER BY k.prefix, a.currency
"""

MISMATCH_COUNTS = """
SELECT category, severity, status, count(*)::int AS count
  FROM mismatches GROUP BY category, severity, status ORDER BY category, severity, status
"""

DEAD_LETTER_COUNTS = """
SELECT topic, status, count(*)::int AS count FROM dead_letters GROUP BY topic, status ORDER BY topic, status
"""

EVENTS_LOST = "SELECT coalesce(sum(lost), 0)::bigint FROM event_positions"

COUNTS = """
SELECT clock_timestamp() AS now, (SELECT count(*) FROM ledger_transactions) AS ledger_transactions,
       (SELECT count(*) FROM ledger_entries) AS ledger_entries, (SELECT count(*) FROM payments) AS payments
"""


async def read_fast(connection: Any, latest_mismatches: int) -> Fast:
    """Positions, outbox, due timers, workers, the last verify run and the latest mismatches."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval(NOW)
        run = await connection.fetchrow(VERIFY)
        return Fast(
            now=now,
            lanes=[LaneFigures(**row) for row in await connection.fetch(LANES)],
            workers=[_worker(row) for row in await connection.fetch(WORKERS)],
            verify=VerifyRun(**{**run, "checks": orjson.loads(run["checks"])}) if run else None,
            mismatches=[
                MismatchRow(**row) for row in await connection.fetch(LATEST_MISMATCHES, latest_mismatches)
            ],
        )


def _worker(row: Any) -> WorkerFigures:
    figures = orjson.loads(row["figures"])
    lanes = {name: counters for name, counters in figures.items() if isinstance(counters, dict)}
    return WorkerFigures(**{**row, "figures": lanes})


async def read_books(connection: Any) -> Books:
    """In one snapshot, so that the books are seen balanced."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval(NOW)
        balances = await connection.fetch(BALANCES)
        return Books(
            now=now,
            balances=[KindBalance(**{**row, "balance": int(row["balance"])}) for row in balances],
            mismatches=[MismatchCount(**row) for row in await connection.fetch(MISMATCH_COUNTS)],
            dead_letters=[DeadLetterCount(**row) for row in await connection.fetch(DEAD_LETTER_COUNTS)],
            effects=await read_effect_counts(connection),
            events_lost=await connection.fetchval(EVENTS_LOST),
        )


async def read_counts(connection: Any) -> Counts:
    return Counts(**await connection.fetchrow(COUNTS))
