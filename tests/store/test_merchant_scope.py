"""Whatever is asked through a merchant's pool, only its own rows are seen, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.store.merchant_scope import ROLE, MerchantPool
from app.store.pool import open_pool
from app.store.web_events import events_query
from app.store.web_lists import PaymentRow, PayoutRow, page_query
from app.store.web_reads import ENTRIES, TRANSACTIONS
from tests.web import rows

SCOPED = {
    "merchants": "merchant_id",
    "payments": "merchant_id",
    "payouts": "merchant_id",
    "mismatches": "merchant_id",
    "events": "merchant_id",
    "ledger_transactions": "merchant_id",
    "ledger_entries": "account",
    "accounts": "account",
    "claims": "key",
    "effects": "target",
}
"""Table -> the column that says whose a row is."""
GRANTED = """
SELECT c.relname, c.relrowsecurity, EXISTS (
           SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*'
              AND p.polroles = ARRAY[$1::regrole::oid]) AS held
  FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND has_any_column_privilege($1::text, c.oid, 'SELECT')
"""


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    """One connection only: whoever comes next gets the one that was given back."""
    pool = await open_pool(database, 1, "tests")
    for number, merchant_id in enumerate(("m-1", "m-2", "m-11", "m"), 1):
        await rows.merchant(pool, merchant_id)
        await rows.payment(pool, merchant_id, "pay-1")
        await rows.payout(pool, merchant_id, "po-1")
        await rows.mismatch(pool, f"mc.0.{number}.0", merchant_id=merchant_id)
        await rows.event(pool, number, merchant_id)
        await rows.capture_posted(pool, number, merchant_id, "pay-1")
        await rows.account(pool, f"m_avail:{merchant_id}", 100)
        await rows.refund_claim(pool, merchant_id, "re-1", "pay-1")
        await rows.effect(pool, f"ev-{number}/we_1", f"webhook:{merchant_id}/we_1")
    await rows.mismatch(pool, "mc.0.9.0", merchant_id=None)
    await rows.account(pool, "plat_fee", 5)
    await rows.effect(pool, "po-1")
    yield pool
    await pool.close()


async def left_behind(pool: Any) -> tuple[str, str]:
    row = await pool.fetchrow(
        "SELECT current_user AS u, coalesce(current_setting('tallystick.merchant_id', true), '') s"
    )
    return row["u"], row["s"]


async def test_without_any_filter_there_are_own_rows_only(pool: Any) -> None:
    own = {
        "merchant_id": ["m-1"],
        "account": ["m_avail:m-1", "m_pend:m-1"],
        "key": ["m-1"],
        "target": ["webhook:m-1/we_1"],
    }
    for table, column in SCOPED.items():
        found = await MerchantPool(pool, "m-1").fetch(f"SELECT {column} FROM {table}")
        assert found, table
        assert {row[0] for row in found} <= set(own[column]), table
        asked = await MerchantPool(pool, "m-1").fetch(f"SELECT FROM {table} WHERE {column} LIKE '%m-2%'")
        assert asked == [], table


async def test_who_is_nobodys_merchant_sees_nothing(pool: Any) -> None:
    for stranger in ("", "m-9", "m-1' OR ''='", "m%", "%", "\u00fc"):
        for table in SCOPED:
            assert await MerchantPool(pool, stranger).fetch(f"SELECT FROM {table}") == [], (stranger, table)


async def test_a_role_without_a_merchant_sees_nothing(pool: Any) -> None:
    """SET LOCAL ROLE alone, as code that forgot to name the merchant would have it."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {ROLE}")
        for table in SCOPED:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_every_table_the_role_may_read_is_held_by_a_policy(pool: Any) -> None:
    granted = await pool.fetch(GRANTED, ROLE)
    assert {row["relname"] for row in granted} == set(SCOPED)
    for row in granted:
        assert row["relrowsecurity"], row["relname"]
        assert row["held"], row["relname"]


@pytest.mark.parametrize("table", ["api_keys", "sessions", "people", "positions", "documents", "items"])
async def test_other_tables_are_refused_aloud(pool: Any, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await MerchantPool(pool, "m-1").fetch(f"SELECT FROM {table}")


async def test_it_cannot_write(pool: Any) -> None:
    for statement in ("DELETE FROM events", "UPDATE payments SET amount = 1", "CREATE TABLE t ()"):
        with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
            await MerchantPool(pool, "m-1").fetch(statement)


async def test_nothing_stays_in_the_session(pool: Any) -> None:
    before = await left_behind(pool)
    scoped = MerchantPool(pool, "m-1")
    assert await scoped.fetchval("SELECT current_user::text") == ROLE
    assert await left_behind(pool) == before
    with pytest.raises(asyncpg.DivisionByZeroError):
        await scoped.fetchval("SELECT 1 / 0")
    assert await left_behind(pool) == before
    assert await pool.fetchval("SELECT count(*) FROM payments") == 4


async def test_who_gives_up_in_the_middle_leaves_nothing(pool: Any) -> None:
    before = await left_behind(pool)
    for seconds in (0.0, 0.005, 0.05):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await MerchantPool(pool, "m-1").fetchval("SELECT pg_sleep(30)")
        assert await left_behind(pool) == before
        assert await pool.fetchval("SELECT count(*) FROM payments") == 4


async def test_a_transaction_that_was_left_open_ends_before_the_next_use(pool: Any) -> None:
    before = await left_behind(pool)
    async with pool.acquire() as connection:
        await connection.execute(f"BEGIN; SET LOCAL ROLE {ROLE}")
    assert await left_behind(pool) == before


@pytest.mark.parametrize(
    ("query", "arguments", "index"),
    [
        (*page_query(PaymentRow, 50, None, {"merchant_id": "m-1"}), "payments_of_merchant"),
        (*page_query(PayoutRow, 50, None, {"merchant_id": "m-1"}), "payouts_of_merchant"),
        (*events_query(50, None, {"merchant_id": "m-1"}), "events_of_merchant"),
        (TRANSACTIONS.format(conditions="merchant_id = $2"), [50, "m-1"], "ledger_transactions_merchant"),
        (ENTRIES, [["pc.0.1.0"]], "ledger_entries_pkey"),
    ],
    ids=lambda one: one if isinstance(one, str) and one.isidentifier() else "",
)
async def test_rows_are_found_as_without_it(pool: Any, query: str, arguments: list[Any], index: str) -> None:
    """The policy checks what a list's own index finds: it is nothing to look rows up by."""
    async with MerchantPool(pool, "m-1").acquire() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", *arguments))
    assert f"using {index}" in plan, plan
    assert not [line for line in plan.splitlines() if "Cond" in line and "tallystick.merchant_id" in line], (
        plan
    )


async def test_others_see_what_they_were_granted(pool: Any) -> None:
    """A role of its own, as for reports: the policies are the merchants' only."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            """CREATE ROLE tallystick_report NOLOGIN; GRANT SELECT ON payments TO tallystick_report;
               GRANT tallystick_report TO CURRENT_USER WITH SET TRUE; SET LOCAL ROLE tallystick_report"""
        )
        assert await connection.fetchval("SELECT count(*) FROM payments") == 4
        await transaction.rollback()
