"""What the books hold, counted and summed straight from the tables, for whoever sent the records and knows.

Nothing here uses the lanes' own state documents or counters: it reads the columns that anyone with SQL sees.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from app.store.errors import translated

Figures = dict[str, int]
"""Name (a currency, a status, a topic …) -> count or minor units."""


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts in minor units per currency; records per topic."""

    payments: int
    captured: Figures
    refunded: Figures
    disputed: Figures
    """In open and lost disputes."""
    balances: dict[str, Figures]
    """Account prefix -> currency -> sum of the accounts' balances, each on its normal side."""
    payouts: Figures
    """Status -> payouts."""
    lines: int
    """Different settlement lines."""
    records: dict[str, Figures]
    """Topic -> outcome -> records, from `batches`."""
    kept: Figures
    """Outcome -> records of `payments.commands` whose ids begin as the caller's do."""
    open: frozenset[tuple[str, str]]
    """(category, name) of every open mismatch: its owner key, on leg M `{merchant}/{payment}`."""
    resolved: Figures
    """Category -> mismatches that resolved themselves when a late record came."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Cheap figures for a live view. `soon`: timers due within the horizon that was asked for."""

    positions: dict[str, int]
    """'topic:partition' -> next offset."""
    outbox: int
    soon: int
    halted: list[str]
    open: Figures
    """Category -> open mismatches."""
    worker_lanes: dict[str, list[str]]
    """Worker -> lanes it owns."""
    silent_seconds: dict[str, float]
    """Worker -> seconds since its last sign of life."""


async def read_books(pool: Any, ids_begin: str) -> Books:
    """One consistent snapshot. Raises Transient. `pool`: of `app.store.pool.open_pool`."""
    with translated():
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await _read(connection, ids_begin)


async def read_progress(pool: Any, horizon_seconds: float) -> Progress:
    """Raises Transient."""
    with translated():
        async with pool.acquire() as connection:
            row = await connection.fetchrow(PROGRESS, float(horizon_seconds))
            workers = await connection.fetch(WORKERS)
    decoded = msgspec.json.decode
    return Progress(
        positions=decoded(row["positions"]),
        outbox=row["outbox"],
        soon=row["soon"],
        halted=list(row["halted"]),
        open=decoded(row["open"]),
        worker_lanes={worker["worker_id"]: list(worker["lanes"]) for worker in workers},
        silent_seconds={worker["worker_id"]: float(worker["silent"]) for worker in workers},
    )


async def outcomes_of(pool: Any, topic: str, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(record key, id) -> outcome of those that `record_keys` holds. Raises Transient."""
    with translated():
        rows = await pool.fetch(OUTCOMES, topic, [key for key, _ in ids], [record_id for _, record_id in ids])
    return {(row["key"], row["id"]): row["outcome"] for row in rows}


async def detection_ms(pool: Any, since: datetime) -> dict[str, list[float]]:
    """Category -> [median, 99th percentile] of the milliseconds from the completing record's append to the

    commit of the mismatch it opened, for those detected after `since`. Raises Transient.
    """
    with translated():
        rows = await pool.fetch(DETECTION, since)
    return {row["category"]: [float(value) for value in row["percentiles"]] for row in rows}


async def _read(connection: Any, ids_begin: str) -> Books:
    payments = await connection.fetch(PAYMENTS)
    balances: dict[str, Figures] = {}
    for row in await connection.fetch(BALANCES):
        balances.setdefault(row["prefix"], {})[row["currency"]] = int(row["balance"])
    kept = await connection.fetch(KEYS, ids_begin)
    return Books(
        payments=sum(row["payments"] for row in payments),
        captured={row["currency"]: int(row["captured"]) for row in payments},
        refunded={row["currency"]: int(row["refunded"]) for row in payments},
        disputed={row["currency"]: int(row["disputed"]) for row in payments},
        balances=balances,
        payouts={row["status"]: row["payouts"] for row in await connection.fetch(PAYOUTS)},
        lines=await connection.fetchval("SELECT coalesce(sum(lines), 0)::bigint FROM items"),
        records={row["topic"]: _outcomes(row) for row in await connection.fetch(BATCHES)},
        kept={row["outcome"]: row["records"] for row in kept},
        resolved={row["category"]: row["number"] for row in await connection.fetch(RESOLVED)},
        open=frozenset((row["category"], row["name"]) for row in await connection.fetch(OPEN)),
    )


def _outcomes(row: Any) -> Figures:
    return {name: int(value) for name, value in row.items() if name != "topic"}


PAYMENTS: Final = """
SELECT currency, count(*) AS payments, sum(captured_amount) AS captured, sum(refunded_amount) AS refunded,
       sum(disputed_amount) AS disputed
  FROM payments GROUP BY currency"""
BALANCES: Final = """
SELECT split_part(account, ':', 1) AS prefix, currency, sum(balance) AS balance
  FROM accounts GROUP BY 1, 2"""
PAYOUTS: Final = "SELECT status, count(*) AS payouts FROM payouts GROUP BY status"
KEYS: Final = """
SELECT outcome, count(*) AS records FROM record_keys
 WHERE topic = 'payments.commands' AND starts_with(id, $1) GROUP BY outcome"""
BATCHES: Final = """
SELECT topic, sum(records) AS records, sum(applied) AS applied, sum(duplicate) AS duplicate,
       sum(refused) AS refused, sum(ignored) AS ignored, sum(parked) AS parked,
       sum(forwarded) AS forwarded, sum(dead_letter) AS dead_letter
  FROM batches GROUP BY topic"""
OPEN_STATUSES: Final = "('open', 'assigned', 'investigating', 'pending_approval')"
OPEN: Final = f"""
SELECT category, CASE leg WHEN 'M' THEN concat_ws('/', merchant_id, payment_id) ELSE owner_key END AS name
  FROM mismatches WHERE status IN {OPEN_STATUSES}"""
RESOLVED: Final = """
SELECT category, count(*) AS number FROM mismatches WHERE status = 'auto_resolved' GROUP BY category"""
DETECTION: Final = """
SELECT category, percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY detected_after_ms) AS percentiles
  FROM mismatches WHERE detected_at > $1 AND detected_after_ms IS NOT NULL GROUP BY category"""
OUTCOMES: Final = """
SELECT r.key, r.id, r.outcome FROM unnest($2::text[], $3::text[]) AS wanted (key, id)
  JOIN record_keys r ON r.topic = $1 AND r.key = wanted.key AND r.id = wanted.id"""
PROGRESS: Final = f"""
SELECT (SELECT coalesce(json_object_agg(topic || ':' || partition, next_offset), '{{}}')::text
          FROM positions) AS positions,
       (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM timers WHERE due_at < now() + make_interval(secs => $1)) AS soon,
       (SELECT coalesce(array_agg(topic || ':' || partition || ' ' || halted_reason), '{{}}')
          FROM positions WHERE halted_at IS NOT NULL) AS halted,
       (SELECT coalesce(json_object_agg(category, number), '{{}}')::text FROM (
            SELECT category, count(*) AS number FROM mismatches
             WHERE status IN {OPEN_STATUSES} GROUP BY category) counted) AS open"""
WORKERS: Final = """
SELECT worker_id, lanes, extract(epoch FROM clock_timestamp() - seen_at)::float8 AS silent
  FROM workers ORDER BY worker_id"""
