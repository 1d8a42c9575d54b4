"""Proves the books: the five invariants, each with its figures, in one snapshot of the database.

A run proves what was committed since the last good run and adds it to what was proven then; `full` proves
everything from offset 0. What was proven is remembered only where every check passed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
from msgspec.structs import replace

from app.errors import ConfigurationError
from app.store import verify_checks as checks
from app.store import verify_periods
from app.store.errors import translated
from app.store.pool import CONNECT_SECONDS
from app.store.verify_clearing import EXAMPLES, ask_again

LOCK: Final = 0x7A11_5714  # one run at a time; any number that nobody else locks
SERVER_SETTINGS: Final = {
    "application_name": "tallystick verify",
    "statement_timeout": "0",  # as long as it takes: it only reads
    "work_mem": "64MB",
    "jit": "off",
    "timezone": "UTC",
}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant. `figures`: what was looked at; `problems`: some of what is wrong, as sentences."""

    name: str
    statement: str
    ok: bool
    figures: dict[str, Any]
    problems: list[str] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`complete`: everything from offset 0, else what came since the last good run. The database's times."""

    started_at: datetime
    finished_at: datetime
    complete: bool
    ok: bool
    checks: list[Check]


CHECKS: Final[Sequence[tuple[str, str, Callable[..., Coroutine[Any, Any, checks.Finding]]]]] = (
    ("postings", "per transaction and currency debits equal credits; a reversal names one", checks.postings),
    ("balances", "each stored balance is the sum of its entries; the books balance", checks.balances),
    ("limits", "pending and held money is never negative; available keeps its limit", checks.limits),
    (
        "clearing",
        "clearing items are at zero, inside their window, or have an open mismatch",
        checks.clearing,
    ),
    (
        "completeness",
        "batches cover every offset; their counts are the rows they speak of",
        checks.completeness,
    ),
    ("audit", "each chain of people's actions is whole, up to the head in its mismatch", checks.audit),
    ("periods", "closed periods are as they were sealed, whatever came later", verify_periods.periods),
    ("effects", "what was asked of the outside is done, given up, or has a way on", checks.effects),
)


async def verify(dsn: str, *, full: bool = False) -> Report:
    """Run all checks and keep the report in `verify_runs`. Raises Transient, ConfigurationError."""
    async with _only_one(dsn) as connection:
        if connection is None:
            raise ConfigurationError("another verify is running on this database: wait for it")
        return await _run(dsn, connection, full)


async def verify_if_due(dsn: str, every_seconds: float) -> Report | None:
    """The same for processes that all have it on their list: None where another is at it or has just been."""
    async with _only_one(dsn) as connection:
        if connection is None or await connection.fetchval(RECENT, timedelta(seconds=every_seconds)):
            return None
        return await _run(dsn, connection, full=False)


@asynccontextmanager
async def _only_one(dsn: str) -> AsyncIterator[Any]:
    """A connection that holds the lock of `verify`, None where another has it."""
    with translated():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, server_settings=SERVER_SETTINGS)
        try:
            free = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
            yield connection if free else None
        finally:
            await connection.close()


async def _run(dsn: str, connection: Any, full: bool) -> Report:
    async with connection.transaction(isolation="repeatable_read"):
        return await _prove(dsn, connection, full)


async def _clearing_again(dsn: str, full: bool, check: Check) -> Check:
    """What was only under way between lanes in this snapshot is counted, not failed."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, server_settings=SERVER_SETTINGS)
    try:
        under_way, problems = await ask_again(connection, full, check.problems)
    finally:
        await connection.close()
    figures = {**check.figures, "under_way": under_way}
    return replace(check, ok=not problems, figures=figures, problems=problems[:EXAMPLES])


async def _prove(dsn: str, connection: Any, full: bool) -> Report:
    started_at = await connection.fetchval("SELECT clock_timestamp()")
    await checks.prepare(connection, full)
    found = [_check(name, statement, await check(connection, full)) for name, statement, check in CHECKS]
    found = [
        check if check.ok or check.name != "clearing" else await _clearing_again(dsn, full, check)
        for check in found
    ]
    ok = all(check.ok for check in found)
    if ok:
        await checks.remember(connection)
    finished_at = await connection.fetchval("SELECT clock_timestamp()")
    report = Report(started_at=started_at, finished_at=finished_at, complete=full, ok=ok, checks=found)
    await connection.execute(
        KEEP, started_at, finished_at, full, ok, msgspec.json.encode(report.checks).decode()
    )
    return report


def _check(name: str, statement: str, finding: checks.Finding) -> Check:
    return Check(
        name=name,
        statement=statement,
        ok=not finding.problems,
        figures=finding.figures,
        problems=finding.problems,
    )


RECENT: Final = "SELECT EXISTS (SELECT FROM verify_runs WHERE started_at > clock_timestamp() - $1::interval)"
KEEP: Final = """
INSERT INTO verify_runs (started_at, finished_at, complete, ok, checks) VALUES ($1, $2, $3, $4, $5)"""
