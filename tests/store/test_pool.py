"""The pool lends out again what was lent, however the server treats its connections."""

from __future__ import annotations

import asyncio
import contextlib
import random

import asyncpg

from app.store.pool import open_pool

ROUNDS = 6
ASKED = 200
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'cut'"""
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def test_no_place_is_lost_with_connections_that_are_cut(database: str) -> None:
    """Statements are cut and cancelled at any moment; asyncpg's own pool stands still after a few rounds."""
    admin = await asyncpg.connect(database)
    for seed in range(ROUNDS):
        pool = await open_pool(database, 5, "cut")
        await _ask_through_cuts(pool, admin, random.Random(seed))
        async with asyncio.timeout(20):
            await pool.close()  # waits for each connection that was lent
    await admin.close()


async def _ask_through_cuts(pool: asyncpg.Pool, admin: asyncpg.Connection, order: random.Random) -> None:
    asking = []
    for _ in range(ASKED):
        asking.append(asyncio.create_task(_ask(pool, order)))
        if order.random() < 0.3:
            order.choice(asking).cancel()
        if order.random() < 0.05:
            await admin.execute(CUT)
        await asyncio.sleep(order.random() * 0.004)  # spreads the statements over the cuts; waits for nothing
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def _ask(pool: asyncpg.Pool, order: random.Random) -> None:
    with contextlib.suppress(*LOST):
        if order.random() < 0.7:
            await pool.fetch("SELECT pg_sleep($1)", order.random() * 0.003)
            return
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetch("SELECT pg_sleep(0.001)")
