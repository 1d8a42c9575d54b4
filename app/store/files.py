"""Files that were ingested, and the rows of them that could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from app.store.changes import plain_text
from app.store.errors import translated

FileStatus = str
"""`started`, `done`, `quarantined`, or `failed`: stopped for a reason outside of the file."""


class FileKey(NamedTuple):
    """What makes two files the same: content and source."""

    sha256: bytes
    source: str


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier run on the same file. `description`: hash of what the source said then."""

    status: FileStatus
    description: bytes
    started_at: datetime
    finished_at: datetime | None
    rows: int
    sent: int
    ignored: int
    quarantined: int


class QuarantinedRow(NamedTuple):
    """`row_number` counts from 1 without the header; `line` is None where the format has no lines."""

    row_number: int
    line: int | None
    reason: str
    raw: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. `sums`: currency -> name -> minor units."""

    rows: int
    sent: int
    ignored: int
    quarantined: int
    sums: dict[str, dict[str, int]]


async def find_file(pool: Any, key: FileKey) -> FileRow | None:
    """Raises Transient."""
    with translated():
        row = await pool.fetchrow(FIND, *key)
    return FileRow(**dict(row)) if row is not None else None


async def begin_file(pool: Any, key: FileKey, name: str, size_bytes: int, description: bytes) -> datetime:
    """A run begins, the first or another one; returns its moment for `finish_file`. Raises Transient."""
    with translated():
        started: datetime = await pool.fetchval(BEGIN, *key, plain_text(name), size_bytes, description)
    return started


async def quarantine_rows(pool: Any, key: FileKey, started: datetime, rows: Sequence[QuarantinedRow]) -> None:
    """Keep rows that could not be read; a row that was met before is brought up to date. Raises Transient."""
    texts = [(r.row_number, r.line, plain_text(r.reason), _storable(r.raw)) for r in rows]
    columns = [list(column) for column in zip(*texts, strict=True)] if texts else [[]] * 4
    with translated():
        await pool.execute(QUARANTINE, *key, started, *columns)


async def finish_file(
    pool: Any,
    key: FileKey,
    started: datetime,
    status: FileStatus,
    figures: Figures,
    reason: str | None = None,
    report: bytes | None = None,
) -> None:
    """The run has ended; rows that only an earlier run could not read are forgotten. Raises Transient.

    `report`: what it came to in full, as JSON.
    """
    sums = msgspec.json.encode(figures.sums).decode()
    counts = (figures.rows, figures.sent, figures.ignored, figures.quarantined)
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(FORGET, *key, started)
            await connection.execute(
                FINISH,
                *key,
                status,
                None if reason is None else plain_text(reason),
                *counts,
                sums,
                None if report is None else report.decode(),
            )


def _storable(raw: str) -> str:
    return raw.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()


FIND: Final = """
SELECT status, description, started_at, finished_at, rows, sent, ignored, quarantined
  FROM files WHERE sha256 = $1 AND source = $2"""

BEGIN: Final = """
INSERT INTO files (sha256, source, name, size_bytes, description, status, started_at)
VALUES ($1, $2, $3, $4, $5, 'started', clock_timestamp())
    ON CONFLICT (sha256, source) DO UPDATE
       SET name = excluded.name, description = excluded.description, status = 'started', reason = NULL,
           started_at = excluded.started_at, finished_at = NULL, beat_at = NULL, report = NULL
RETURNING started_at"""

QUARANTINE: Final = """
INSERT INTO quarantined_rows (sha256, source, seen_at, row_number, line, reason, raw)
SELECT $1, $2, $3, * FROM unnest($4::bigint[], $5::bigint[], $6::text[], $7::text[])
    ON CONFLICT (sha256, source, row_number) DO UPDATE
       SET line = excluded.line, reason = excluded.reason, raw = excluded.raw, seen_at = excluded.seen_at"""

FORGET: Final = "DELETE FROM quarantined_rows WHERE sha256 = $1 AND source = $2 AND seen_at < $3"

FINISH: Final = """
UPDATE files SET status = $3, reason = $4, rows = $5, sent = $6, ignored = $7, quarantined = $8, sums = $9,
       report = $10, stage = NULL, finished_at = clock_timestamp()
 WHERE sha256 = $1 AND source = $2"""
