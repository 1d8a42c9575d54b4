"""What the lanes are told when the server errs: whether to try again, and never a half-made commit."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.errors import BadData, ConfigurationError, FailStop, Moved, Stale, Transient
from app.store import pool as pools
from app.store.errors import translate, translated
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.commits import LANE, booked_capture, commit
from tests.support.databases import at_database
from tests.support.waiting import eventually

OWN = "datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
async def store(pool: Any) -> PostgresStore:
    store = PostgresStore(pool)
    await store.position(LANE)
    return store


async def waiting_for_a_lock(watcher: Any) -> Any:
    return bool(
        await watcher.fetchval(
            f"SELECT count(*) FROM pg_stat_activity WHERE {OWN} AND wait_event_type = 'Lock'"
        )
    )


async def test_a_connection_that_was_cut_is_replaced(database: str, store: PostgresStore) -> None:
    watcher = await asyncpg.connect(database)
    try:
        await watcher.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OWN}")
        try:
            await store.commit(booked_capture())
        except Transient:  # the pool had not noticed yet: the next try has a new connection
            await store.commit(booked_capture())
        assert (await store.position(LANE)).next_offset == 1
    finally:
        await watcher.close()


async def test_a_commit_killed_in_the_middle_leaves_nothing(database: str, store: PostgresStore) -> None:
    watcher = await asyncpg.connect(database)
    try:
        async with watcher.transaction():
            await watcher.execute("LOCK TABLE ledger_entries IN SHARE MODE")
            work = asyncio.create_task(store.commit(booked_capture()))
            await eventually(lambda: waiting_for_a_lock(watcher), 30, "the commit to wait for the table")
            await watcher.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OWN}")
            with pytest.raises(Transient):
                await work
        assert (await store.position(LANE)).next_offset == 0
        assert await watcher.fetchval("SELECT count(*) FROM record_keys") == 0
        await store.commit(booked_capture())
    finally:
        await watcher.close()


async def test_a_commit_that_takes_too_long_is_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pools.SERVER_SETTINGS, "statement_timeout", "200ms")
    watcher, hasty = await asyncpg.connect(database), await open_pool(database, 1, "hasty")
    try:
        store = PostgresStore(hasty)
        await store.position(LANE)
        async with watcher.transaction():
            await watcher.execute("LOCK TABLE ledger_entries IN SHARE MODE")
            with pytest.raises(Transient, match="statement timeout"):
                await store.commit(booked_capture())
        assert (await store.position(LANE)).next_offset == 0
        await store.commit(booked_capture())
    finally:
        await hasty.close()
        await watcher.close()


async def test_of_two_commits_at_once_the_second_finds_the_position_moved(store: PostgresStore) -> None:
    results = await asyncio.gather(
        *(store.commit(booked_capture()) for _ in range(4)), return_exceptions=True
    )
    assert [type(result) for result in results if result is not None] == [Moved] * 3


async def test_a_partition_halted_meanwhile_takes_nothing(store: PostgresStore) -> None:
    await store.halt(LANE, "looked at")
    with pytest.raises(Moved):
        await store.commit(booked_capture())


async def test_who_may_not_enter_is_a_matter_of_configuration(database: str) -> None:
    with pytest.raises(ConfigurationError, match="no_such_database"):
        await open_pool(at_database(database, "no_such_database"), 1, "tests")


async def test_a_database_that_is_not_migrated_is_a_matter_of_configuration(
    database: str, store: PostgresStore, pool: Any
) -> None:
    await pool.execute("DROP FUNCTION known_ids")
    with pytest.raises(ConfigurationError, match="migrate"):
        await store.known_ids(LANE, [("a", "b")])


async def test_a_value_of_the_wrong_type_is_bad_data(store: PostgresStore) -> None:
    with pytest.raises(BadData):
        await store.commit(commit(0, counts={"applied": 2**40}))


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (asyncpg.DeadlockDetectedError("x"), Transient),
        (asyncpg.SerializationError("x"), Transient),
        (asyncpg.AdminShutdownError("x"), Transient),
        (asyncpg.CrashShutdownError("x"), Transient),
        (asyncpg.CannotConnectNowError("x"), Transient),
        (asyncpg.TooManyConnectionsError("x"), Transient),
        (asyncpg.DiskFullError("x"), Transient),
        (asyncpg.ReadOnlySQLTransactionError("x"), Transient),
        (asyncpg.QueryCanceledError("x"), Transient),
        (asyncpg.InternalClientError("x"), Transient),
        (asyncpg.InterfaceError("x"), Transient),
        (ConnectionResetError("x"), Transient),
        (TimeoutError(), Transient),
        (asyncpg.NumericValueOutOfRangeError("x"), BadData),
        (asyncpg.CharacterNotInRepertoireError("x"), BadData),
        (asyncpg.UntranslatableCharacterError("x"), BadData),
        (asyncpg.ProgramLimitExceededError("x"), BadData),
        (asyncpg.CheckViolationError("x"), FailStop),
        (asyncpg.UniqueViolationError("x"), FailStop),
        (asyncpg.UndefinedTableError("x"), ConfigurationError),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else part.__name__,
)
def test_each_fault_says_what_to_do_next(error: Exception, ours: type[Exception]) -> None:
    assert type(translate(error)) is ours
    with pytest.raises(ours), translated():
        raise error


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), asyncpg.InternalServerError("x")])
def test_what_nobody_expected_goes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated():
        raise error
    assert raised.value is error


def test_our_own_errors_go_through() -> None:
    with pytest.raises(Stale), translated():
        raise Stale
