"""Calls look rows up by key also where their plan was made while the tables were empty or tiny."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.domain.state import Ref, account_ref
from app.store.api import BLIND, Change
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.commits import LANE, NOW, commit, payment, timer

MANY = 400
TABLES = ("accounts", "payments", "claims", "timers", "record_keys")


def rows_of(number: int) -> dict[Ref, Any]:
    return {
        account_ref(f"m_pend:m-{number}", "EUR"): number,
        Ref("payment", ("m-1", f"pay-{number}")): payment(),
        Ref("claim", ("m-1", f"c-{number}")): "x",
        Ref("timer", ("m-1", "release", f"s-{number}")): timer(),
    }


def many(version: int, seen: int | None) -> dict[Ref, Change]:
    return {
        ref: Change(value, version, BLIND if ref.kind == "timer" else seen)
        for number in range(MANY)
        for ref, value in rows_of(number).items()
    }


async def tuples_read(pool: Any) -> Mapping[str, int]:
    """Rows that index and sequential scans have fetched so far."""
    await pool.execute("SELECT pg_stat_force_next_flush()")
    rows = await pool.fetch(
        "SELECT relname, coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) AS n FROM pg_stat_user_tables"
    )
    return {row["relname"]: row["n"] for row in rows if row["relname"] in TABLES}


@pytest.mark.parametrize("analyzed", [False, True])
async def test_reads_stay_in_proportion_when_tables_grow(database: str, analyzed: bool) -> None:
    pool = await open_pool(database, 1, "tests")
    try:
        store = PostgresStore(pool)
        await store.position(LANE)
        first = await _make_plans(store, pool, analyzed)
        await store.commit(commit(first, MANY, state=many(first, None)))
        before = await tuples_read(pool)
        await store.commit(commit(first + MANY, MANY, state=many(first + MANY, first)))
        await store.load(LANE, list(many(0, None)))
        await store.known_ids(LANE, [("m-1", f"c-{first + n}") for n in range(MANY)])
        await store.take_due_timers([LANE], NOW, MANY, 30)
        after = await tuples_read(pool)
    finally:
        await pool.close()
    read = {table: after[table] - before[table] for table in TABLES}
    assert all(MANY <= count <= 5 * MANY for count in read.values()), read


async def _make_plans(store: PostgresStore, pool: Any, analyzed: bool) -> int:
    """Has every statement planned on nearly empty tables; returns the position after that."""
    few = rows_of(10_000)
    for first in range(3):
        seen = None if first == 0 else first - 1
        state = {
            ref: Change(value, first, BLIND if ref.kind == "timer" else seen) for ref, value in few.items()
        }
        await store.commit(commit(first, state=state))
        if analyzed:
            await pool.execute("ANALYZE")
        await store.load(LANE, list(few))
        await store.known_ids(LANE, [("m-1", "c-0")])
        await store.take_due_timers([LANE], NOW, 1, 30)
    return 3
