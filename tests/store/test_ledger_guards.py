"""The database's own guards over the ledger: they hold against any program, with the owner's rights."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from app.domain.accounts import NORMAL_SIDE
from app.store.errors import GUARD
from app.store.postgres import PostgresStore
from tests.support.commits import LANE, booked_capture

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLUMNS = "transaction_id, seq, account, direction, amount, currency, balance_after"
INSERT = f"INSERT INTO ledger_entries ({COLUMNS}) VALUES "


async def refused(books: Any, statement: str) -> str:
    with pytest.raises(asyncpg.PostgresError) as raised:
        await books.execute(statement)
    assert raised.value.sqlstate == GUARD, raised.value
    return str(raised.value)


async def as_a_replica(connection: Any) -> None:
    """Sessions that apply another server's changes skip ordinary triggers. Only a superuser may be one."""
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await connection.execute("SET LOCAL session_replication_role = replica")
        return
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")


async def test_a_posting_that_balances_per_currency_is_taken(books: Any) -> None:
    await books.execute(
        INSERT + "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5), ('a', 2, 'unapplied', 'credit', 5, 'EUR', 5),"
        "('a', 3, 'bank:x', 'debit', 7, 'USD', 7), ('a', 4, 'unapplied', 'credit', 7, 'USD', 7)"
    )
    assert await books.fetchval("SELECT count(*) FROM ledger_entries") == 4


@pytest.mark.parametrize(
    "values",
    [
        "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5)",
        "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5), ('a', 2, 'unapplied', 'credit', 4, 'EUR', 4)",
        "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5), ('a', 2, 'unapplied', 'credit', 5, 'USD', 5)",
        "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5), ('b', 1, 'unapplied', 'credit', 5, 'EUR', 5)",
    ],
    ids=["one-sided", "sum", "currency", "transaction"],
)
async def test_an_imbalance_is_refused(books: Any, values: str) -> None:
    assert "does not balance" in await refused(books, INSERT + values)


@pytest.mark.parametrize("first", [0, 2, 4])
async def test_entries_are_numbered_from_one(books: Any, first: int) -> None:
    pair = [(first, "bank:x", "debit"), (first + 1, "unapplied", "credit")]
    values = ", ".join(f"('a', {seq}, '{account}', '{side}', 5, 'EUR', 5)" for seq, account, side in pair)
    assert "numbered from 1" in await refused(books, INSERT + values)


async def test_a_balanced_pair_cannot_join_a_transaction_that_stands(books: Any) -> None:
    await books.execute(
        INSERT + "('a', 1, 'bank:x', 'debit', 5, 'EUR', 5), ('a', 2, 'unapplied', 'credit', 5, 'EUR', 5)"
    )
    later = "('a', 3, 'bank:x', 'debit', 5, 'EUR', 10), ('a', 4, 'unapplied', 'credit', 5, 'EUR', 10)"
    await refused(books, INSERT + later)
    again = later.replace("3,", "1,").replace("'a', 4", "'a', 2")
    with pytest.raises(asyncpg.UniqueViolationError):
        await books.execute(INSERT + again)


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_transactions"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "DELETE FROM {} WHERE false"],
    ids=["update", "delete", "truncate", "delete-none"],
)
@pytest.mark.parametrize("replica", [False, True], ids=["", "replica"])
async def test_what_was_posted_is_never_changed(
    books: Any, table: str, statement: str, replica: bool
) -> None:
    store = PostgresStore(books)
    await store.position(LANE)
    await store.commit(booked_capture())
    column = "amount" if table == "ledger_entries" else "source_offset"
    before = await books.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
    async with books.acquire() as connection, connection.transaction():
        if replica:
            await as_a_replica(connection)
        async with connection.transaction():
            await connection.execute("SAVEPOINT before")
            assert "append-only" in await refused(connection, statement.format(table, column, column))
            await connection.execute("ROLLBACK TO before")
    assert await books.fetch(f"SELECT * FROM {table} ORDER BY 1, 2") == before


async def test_account_kinds_are_those_of_the_rules(books: Any) -> None:
    rows = await books.fetch("SELECT prefix, normal_side FROM account_kinds")
    assert {row["prefix"]: row["normal_side"] for row in rows} == dict(NORMAL_SIDE)
