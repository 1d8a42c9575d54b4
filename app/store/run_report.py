"""The report of a reconciliation run, from one snapshot of the database. Reads only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from app.domain.run_scope import (
    MOST_LISTED,
    Changes,
    OpenFigures,
    OpenMismatch,
    RuleFigures,
    RunReport,
    RunScope,
    SideFigures,
)
from app.store.errors import translated
from app.store.run_queries import LARGEST, NEWS, OPEN, PREVIOUS, SIDES

LONGEST_SECONDS: Final = 840.0
"""Of one statement; the effect's own time-out is a little longer."""
MOST_CHANGED_IDS: Final = 100
STEPS: Final = ("sides", "open mismatches", "the largest", "what changed")
_encode_scope: Final = msgspec.json.Encoder(order="deterministic").encode
_decode_report: Final = msgspec.json.Decoder(RunReport).decode
Tell = Callable[[str], None]


@asynccontextmanager
async def snapshot(pool: Any) -> AsyncIterator[Any]:
    """A connection whose statements all see one moment; nothing is left behind in its session."""
    with translated():
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(
                f"SET LOCAL statement_timeout = '{LONGEST_SECONDS:.0f}s';"
                "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL work_mem = '64MB'"
            )
            yield connection


async def make_report(
    pool: Any,
    scope: RunScope,
    as_of: date,
    known_at: datetime | None,
    run_id: str | None = None,
    tell: Tell = lambda step: None,
) -> RunReport:
    """`run_id`: the run it is for; its schedule says which run came before. Raises Transient."""
    async with snapshot(pool) as connection:
        look = _Look(connection, scope, as_of, known_at)
        await look.begin()
        found: list[Any] = []
        for step, work in zip(STEPS, (look.sides, look.open, look.largest), strict=False):
            tell(step)
            found.append(await work())
        tell(STEPS[-1])
        (sides, matched), groups, largest = found
        changes = await look.changes(run_id, sum(rule.count for rule in matched))
        return RunReport(
            as_of=as_of,
            known_at=known_at or look.at,
            snapshot_at=look.at,
            configuration_version=look.version,
            sides=sides,
            matched=matched,
            open=groups,
            largest=largest,
            changes=changes,
        )


class _Look:
    """The questions of one report, on one connection."""

    def __init__(self, connection: Any, scope: RunScope, as_of: date, known_at: datetime | None) -> None:
        self._connection, self._scope = connection, scope
        self._as_of, self._known_at = as_of, known_at
        self.psp: str | None = None

    async def begin(self) -> None:
        row = await self._connection.fetchrow(MOMENT)
        self.at: datetime = row["at"].astimezone(UTC)
        self.version: int | None = row["version"]
        if self._scope.source is not None and row["sources"] is not None:
            source = msgspec.json.decode(row["sources"]).get(self._scope.source, {})
            self.psp = source.get("psp") or None

    async def sides(self) -> tuple[tuple[SideFigures, ...], tuple[RuleFigures, ...]]:
        rows = await self._fetch(SIDES, self._scope)
        sides = tuple(
            [
                SideFigures(
                    side=row["side"],
                    currency=row["currency"],
                    count=row["count"],
                    amount=int(row["amount"]),
                    matched_count=row["matched_count"],
                    matched_amount=int(row["matched_amount"]),
                )
                for row in rows
                if row["rule"] is None
            ]
        )
        rules = tuple(
            [
                RuleFigures(
                    leg=row["side"],
                    rule=row["rule"],
                    currency=row["currency"],
                    count=row["count"],
                    amount=int(row["amount"]),
                )
                for row in rows
                if row["rule"] is not None
            ]
        )
        return sides, rules

    async def open(self) -> tuple[OpenFigures, ...]:
        rows = await self._fetch(OPEN, self._scope)
        return tuple([OpenFigures(**{**dict(row), "at_stake": int(row["at_stake"])}) for row in rows])

    async def largest(self) -> tuple[OpenMismatch, ...]:
        rows = await self._fetch(LARGEST.replace("MOST", str(MOST_LISTED)), self._scope)
        return tuple([OpenMismatch(**row) for row in rows])

    async def changes(self, run_id: str | None, matched: int) -> Changes:
        """Of a schedule all days together: its scope without them."""
        own = await self._connection.fetchrow(PREVIOUS, run_id, _encode_scope(self._scope).decode())
        if own is None:
            return Changes()
        before = _decode_report(own["report"])
        scope = self._scope.without_days if own["scheduled"] else self._scope
        row = (await self._fetch(NEWS, scope, before.known_at))[0]
        return Changes(
            since_run_id=own["run_id"],
            since=before.snapshot_at,
            opened=row["opened"],
            resolved=row["resolved"],
            opened_ids=tuple((row["opened_ids"] or ())[:MOST_CHANGED_IDS]),
            resolved_ids=tuple((row["resolved_ids"] or ())[:MOST_CHANGED_IDS]),
            matched_count=matched - before.matched_count,
        )

    async def _fetch(self, sql: str, scope: RunScope, *more: Any) -> list[Any]:
        arguments = (
            self._as_of, self._known_at, scope.source, self.psp, scope.first, scope.last, scope.merchant_id,
            scope.payment_id, scope.invoice_id,
        )  # fmt: skip
        rows: list[Any] = await self._connection.fetch(sql, *arguments, *more, timeout=LONGEST_SECONDS)
        return rows


MOMENT: Final = """
SELECT clock_timestamp() AS at, (p.state ->> 'version')::bigint AS version,
       (p.state -> 'sources')::text AS sources
  FROM (SELECT 1) one LEFT JOIN LATERAL (
       SELECT state FROM platform WHERE topic = 'matching.commands' ORDER BY partition LIMIT 1) p ON true
"""
