"""Whether the database's schema is the one this program was written for."""

from __future__ import annotations

from typing import Any

from app.store.migrate import read_migrations


async def schema_complaint(pool: Any) -> str | None:
    """What is wrong with the schema, None when every migration is applied as we have it. Applies nothing."""
    async with pool.acquire() as connection:
        if await connection.fetchval("SELECT to_regclass('migrations')") is None:
            return "the database has no schema: run `python -m app migrate`"
        rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied = {row["name"]: row["checksum"] for row in rows}
    ours = {migration.name: migration.checksum for migration in read_migrations()}
    missing = sorted(ours.keys() - applied.keys())
    if missing:
        return f"migration {missing[0]} is not applied: run `python -m app migrate`"
    differing = sorted(name for name, checksum in applied.items() if ours.get(name) != checksum)
    return f"the database has another migration {differing[0]} than this program" if differing else None
