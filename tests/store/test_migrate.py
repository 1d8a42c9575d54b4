"""The migration runner: each file once, in order, never edited, never two runners at once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.errors import ConfigurationError, Transient
from app.stack.local import Addresses
from app.store.migrate import FOLDER, migrate, read_migrations
from tests.support.databases import at_database, drop_database, execute


@pytest.fixture
async def empty(stack: Addresses) -> AsyncIterator[str]:
    """The DSN of a database in which nothing was migrated."""
    await execute(stack.database_url, "CREATE DATABASE unmigrated_for_tests")
    yield at_database(stack.database_url, "unmigrated_for_tests")
    await drop_database(stack.database_url, "unmigrated_for_tests")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("-- Why: a test.\nCREATE TABLE first (n integer);\n")
    (tmp_path / "0002_second.sql").write_text("-- Why: a test.\nINSERT INTO first VALUES (1);\n")
    return tmp_path


async def rows(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM first"))
    finally:
        await connection.close()


async def test_files_are_applied_once_in_order(empty: str, folder: Path) -> None:
    assert await migrate(empty, folder) == ["0001_first", "0002_second"]
    assert await migrate(empty, folder) == []
    (folder / "0003_third.sql").write_text("-- Why: a test.\nINSERT INTO first VALUES (2);\n")
    assert await migrate(empty, folder) == ["0003_third"]
    assert await rows(empty) == 2


async def test_runners_at_once_apply_each_file_once(empty: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(empty, folder) for _ in range(4)))
    assert sorted(name for names in applied for name in names) == ["0001_first", "0002_second"]
    assert await rows(empty) == 1


async def test_an_edited_file_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0002_second.sql").write_text("-- Why: another.\nINSERT INTO first VALUES (1);\n")
    with pytest.raises(ConfigurationError, match="0002_second was edited"):
        await migrate(empty, folder)


async def test_a_newer_database_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(ConfigurationError, match="0002_second, which this program does not know"):
        await migrate(empty, folder)


async def test_a_file_that_fails_leaves_nothing_and_can_be_corrected(empty: str, folder: Path) -> None:
    broken = folder / "0002_second.sql"
    broken.write_text("-- Why: a test.\nINSERT INTO first VALUES (1);\nSELEC 1;\n")
    with pytest.raises(ConfigurationError, match="0002_second"):
        await migrate(empty, folder)
    assert await rows(empty) == 0
    broken.write_text("-- Why: a test.\nINSERT INTO first VALUES (1);\n")
    assert await migrate(empty, folder) == ["0002_second"]


def test_numbers_are_given_once_and_names_are_alike(folder: Path) -> None:
    (folder / "0007_later.sql").write_text("")
    assert [migration.name for migration in read_migrations(folder)][-1] == "0007_later"
    (folder / "0007_other.sql").write_text("")
    with pytest.raises(ConfigurationError, match=r"0007_other\.sql has the number of 0007_later\.sql"):
        read_migrations(folder)
    (folder / "0007_other.sql").unlink()
    (folder / "8_eight.sql").write_text("")
    with pytest.raises(ConfigurationError, match=r"8_eight\.sql should be called like"):
        read_migrations(folder)


def test_every_migration_says_why(tmp_path: Path) -> None:
    for migration in read_migrations():
        assert migration.sql.startswith("-- Why: "), migration.name
    assert shutil.copytree(FOLDER, tmp_path / "copy").is_dir()
    assert read_migrations(tmp_path / "copy") == read_migrations()


async def test_a_missing_database_and_a_missing_server_are_told_apart(stack: Addresses) -> None:
    with pytest.raises(ConfigurationError, match="no_such_database"):
        await migrate(at_database(stack.database_url, "no_such_database"))
    with pytest.raises(Transient):
        await migrate("postgresql://nobody@127.0.0.1:1/none")
