"""Brings a database's schema up to date: the numbered SQL files of `app/migrations`, each once, in order.

Every file runs in a transaction of its own; an advisory lock keeps two runners apart. What was applied is
remembered with its checksum: a file that was edited afterwards, or one the database has and we do not, is
refused, because then nobody knows what the schema is.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from app.errors import ConfigurationError
from app.store.errors import translated

FOLDER: Final = Path(__file__).resolve().parents[1] / "migrations"
FILE_NAME: Final = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql")
LOCK: Final = 0x7A11_5713  # any number that nobody else locks
CONNECT_SECONDS: Final = 10.0
CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"""


class Migration(NamedTuple):
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files in order; a number is given once, and may be left out. Raises ConfigurationError."""
    found = [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))]
    numbers: dict[str, str] = {}
    for migration in found:
        file, number = f"{folder.name}/{migration.name}.sql", migration.name[:4]
        if not FILE_NAME.fullmatch(f"{migration.name}.sql"):
            raise ConfigurationError(f"{file} should be called like 0001_lanes.sql")
        if number in numbers:
            raise ConfigurationError(f"{file} has the number of {numbers[number]}.sql: take a free one")
        numbers[number] = migration.name
    return found


async def migrate(dsn: str, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing; returns the names applied now. Raises ConfigurationError or Transient."""
    migrations = read_migrations(folder)
    with translated():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
            return await _bring_up_to_date(connection, migrations)
        finally:
            await connection.close()


async def _bring_up_to_date(connection: Any, migrations: list[Migration]) -> list[str]:
    await connection.execute(CREATE_TABLE)
    rows = await connection.fetch("SELECT name, checksum FROM migrations ORDER BY name")
    applied = {row[0]: row[1] for row in rows}
    _check_history(applied, migrations)
    missing = [migration for migration in migrations if migration.name not in applied]
    for migration in missing:
        await _apply(connection, migration)
    return [migration.name for migration in missing]


def _check_history(applied: dict[str, str], migrations: list[Migration]) -> None:
    ours = {migration.name: migration.checksum for migration in migrations}
    for name, checksum in applied.items():
        if name not in ours:
            raise ConfigurationError(f"the database has migration {name}, which this program does not know")
        if ours[name] != checksum:
            raise ConfigurationError(f"migration {name} was edited after it had been applied: add a new one")
    if list(ours)[: len(applied)] != list(applied):
        raise ConfigurationError(f"migrations were applied out of order: {', '.join(applied)}")


async def _apply(connection: Any, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
            )
    except asyncpg.PostgresSyntaxError as error:
        raise ConfigurationError(f"migration {migration.name}: {error}") from error
