"""The lanes' store on PostgreSQL: each call is one round trip, each commit one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from app.domain.state import Ref
from app.domain.timers import epoch_ms
from app.errors import Stale, Transient
from app.store.api import Commit, DueTimer, LaneId, OutboxRow, Position, Versioned
from app.store.arguments import APPLY_BATCH, LOAD_ROWS, apply_batch_arguments, load_arguments
from app.store.changes import plain_text, sort_changes
from app.store.errors import translated
from app.store.shapes import to_value

STRIKES_TO_HALT: Final = 3
ACQUIRE_SECONDS: Final = 10.0


class PostgresStore:
    """Implements `app.store.api.Store` on a pool of `app.store.pool.open_pool`."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """A connection whose errors are ours. One that failed us is dropped, not handed to the next."""
        with translated():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                try:
                    with translated():
                        yield connection
                except Transient:
                    connection.terminate()
                    raise

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self._connection() as connection:
            rows: list[Any] = await connection.fetch(query, *arguments)
            return rows

    async def position(self, lane: LaneId) -> Position:
        return (await self.positions((lane,)))[lane]

    async def positions(self, lanes: Collection[LaneId]) -> dict[LaneId, Position]:
        """Lanes that were never seen begin at 0, and have a row from now on."""
        found = await self._fetch(POSITIONS, *_columns(lanes))
        if len(found) < len(set(lanes)):
            await self._fetch(NEW_POSITIONS, *_columns(lanes))
            found = await self._fetch(POSITIONS, *_columns(lanes))
        return {LaneId(row[0], row[1]): Position(row[2], row[3]) for row in found}

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        if not refs:
            return {}
        arguments, by_kind = load_arguments(refs)
        rows = await self._fetch(LOAD_ROWS, *lane, *arguments)
        return {
            by_kind[kind][i - 1]: Versioned(to_value(by_kind[kind][i - 1], state, number), version)
            for kind, i, state, number, version in rows
        }

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        if not ids:
            return {}
        wanted = list(ids)
        keys, record_ids = zip(*wanted, strict=True)
        rows = await self._fetch(KNOWN_IDS, lane.topic, keys, record_ids)
        return {wanted[i - 1]: content_hash for i, content_hash in rows}

    async def commit(self, commit: Commit) -> None:
        arguments = apply_batch_arguments(commit)
        try:
            await self._fetch(APPLY_BATCH, *arguments)
        except Stale:
            raise Stale(await self._outdated(commit)) from None

    async def _outdated(self, commit: Commit) -> list[Ref]:
        """Which rows are not as the decision saw them; asked afterwards, because it is rare."""
        writes, gone, reads = sort_changes(commit)
        seen: dict[Ref, int | None] = {ref: change.seen for ref, change in writes.items()}
        seen.update(gone)
        rows = await self.load(commit.lane, {*seen, *reads})
        outdated = [ref for ref, row in reads.items() if rows.get(ref) != row]
        for ref, version in seen.items():
            row = rows.get(ref)
            if version != (None if row is None else row.version) and not _blind(version):
                outdated.append(ref)
        return outdated

    async def outbox(self, lanes: Collection[LaneId]) -> list[OutboxRow]:
        rows = await self._fetch(OUTBOX, *_columns(lanes))
        return [OutboxRow(LaneId(row[0], row[1]), row[2], row[3], float(row[4])) for row in rows]

    async def outbox_ages(self, lanes: Collection[LaneId]) -> dict[LaneId, float]:
        rows = await self._fetch(OUTBOX_AGES, *_columns(lanes))
        return {LaneId(row[0], row[1]): float(row[2]) for row in rows}

    async def adopt(self, lane: LaneId, worker_id: str, seconds: float) -> bool:
        return bool(await self._fetch(ADOPT, *lane, worker_id, timedelta(seconds=seconds)))

    async def outbox_done(self, lane: LaneId, first_offsets: Collection[int]) -> None:
        if first_offsets:
            await self._fetch("SELECT outbox_done($1, $2, $3)", *lane, list(first_offsets))

    async def take_due_timers(
        self, lanes: Collection[LaneId], now: datetime, limit: int, refire_after_seconds: float
    ) -> list[DueTimer]:
        refire = timedelta(seconds=refire_after_seconds)
        rows = await self._fetch(DUE_TIMERS, *_columns(lanes), now, limit, refire)
        return [
            DueTimer(LaneId(row[0], row[1]), row[2], row[3], row[4], epoch_ms(row[5]), row[6].encode())
            for row in rows
        ]

    async def strike(self, lane: LaneId, offset: int, reason: str) -> int:
        rows = await self._fetch(STRIKE, *lane, offset, plain_text(reason))
        count = int(rows[0][0])
        if count >= STRIKES_TO_HALT:
            await self.halt(lane, f"{count} fail-stops at offset {offset}: {reason}")
        return count

    async def halt(self, lane: LaneId, reason: str) -> None:
        await self._fetch(HALT, *lane, plain_text(reason))


def _columns(lanes: Collection[LaneId]) -> tuple[list[str], list[int]]:
    return [lane.topic for lane in lanes], [lane.partition for lane in lanes]


def _blind(version: int | None) -> bool:
    return version is not None and version < 0


POSITIONS: Final = """
SELECT topic, partition, next_offset, halted_reason FROM positions
 WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))"""
NEW_POSITIONS: Final = """
INSERT INTO positions (topic, partition) SELECT DISTINCT * FROM unnest($1::text[], $2::integer[])
    ON CONFLICT DO NOTHING"""
KNOWN_IDS: Final = "SELECT i, content_hash FROM known_ids($1, $2, $3)"
OUTBOX: Final = """
SELECT topic, partition, first_offset, payload, extract(epoch FROM clock_timestamp() - created_at)
  FROM outbox WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
 ORDER BY topic, partition, first_offset"""
OUTBOX_AGES: Final = """
SELECT topic, partition, extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox
 WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
 GROUP BY topic, partition"""
ADOPT: Final = """
UPDATE positions SET leased_to = $3, leased_until = clock_timestamp() + $4
 WHERE topic = $1 AND partition = $2
   AND (leased_to = $3 OR leased_until IS NULL OR leased_until < clock_timestamp()) RETURNING 1"""
DUE_TIMERS: Final = """
SELECT topic, partition, key, kind, subject, due_at, record FROM take_due_timers($1, $2, $3, $4, $5)"""
STRIKE: Final = """
INSERT INTO strikes (topic, partition, "offset", count, reason) VALUES ($1, $2, $3, 1, $4)
    ON CONFLICT (topic, partition, "offset") DO UPDATE
   SET count = strikes.count + 1, reason = excluded.reason, last_at = now() RETURNING count"""
HALT: Final = """
INSERT INTO positions (topic, partition, halted_at, halted_reason) VALUES ($1, $2, now(), $3)
    ON CONFLICT (topic, partition) DO UPDATE
   SET halted_at = coalesce(positions.halted_at, now()),
       halted_reason = coalesce(positions.halted_reason, excluded.halted_reason)"""
