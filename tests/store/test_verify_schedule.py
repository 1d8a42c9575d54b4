"""Verify runs by itself when the last run is old enough, and only then."""

from __future__ import annotations

from app.store.pool import open_pool
from app.store.verify_schedule import verify_if_due


async def test_the_first_look_proves_and_the_next_waits(database: str) -> None:
    pool = await open_pool(database, 2, "test")
    try:
        first = await verify_if_due(pool, database, every_seconds=3600)
        assert first is not None
        assert first.ok
        assert await verify_if_due(pool, database, every_seconds=3600) is None
        assert await verify_if_due(pool, database, every_seconds=0) is not None
    finally:
        await pool.close()
