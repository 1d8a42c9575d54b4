"""Files that are handed in over HTTP: how far their reading is, and what whoever asks is told about each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.store.changes import plain_text
from app.store.errors import translated
from app.store.files import FileKey


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """One file of one source. `age_seconds`: since the last sign of life of its reader in the background."""

    sha256: bytes
    source: str
    name: str
    size_bytes: int
    status: str
    reason: str | None
    rows: int
    sent: int
    ignored: int
    quarantined: int
    sums: str
    """JSON: currency -> name -> minor units."""
    started_at: datetime
    finished_at: datetime | None
    stage: str | None
    stage_done: int
    stage_total: int
    age_seconds: float | None
    handed_in_by: str | None
    report: str | None
    """JSON; None in lists, and where there is none."""


class BadRowView(msgspec.Struct, frozen=True, kw_only=True):
    row_number: int
    line: int | None
    reason: str
    raw: str


async def tell_progress(pool: Any, key: FileKey, stage: str, done: int, total: int) -> None:
    """A sign of life. Raises Transient."""
    with translated():
        await pool.execute(TELL, *key, plain_text(stage), done, total)


async def name_sender(pool: Any, key: FileKey, handed_in_by: str) -> None:
    """Who handed the file in last. Raises Transient."""
    with translated():
        await pool.execute(NAME, *key, plain_text(handed_in_by))


async def fail_file(pool: Any, key: FileKey, reason: str) -> None:
    """Reading it stopped for a reason outside of the file. Raises Transient."""
    with translated():
        await pool.execute(FAIL, *key, plain_text(reason))


async def views_of(pool: Any, sha256: bytes, source: str | None = None) -> Sequence[FileView]:
    """A file as each of its sources has read it, newest first. Raises Transient."""
    with translated():
        rows = await pool.fetch(OF_HASH, sha256, source)
    return [FileView(**dict(row)) for row in rows]


async def newest_files(
    pool: Any,
    limit: int,
    source: str | None = None,
    status: Sequence[str] | None = None,
    before: tuple[datetime, bytes, str] | None = None,
) -> Sequence[FileView]:
    """Newest first; `before`: the last one of the page before. Raises Transient."""
    with translated():
        rows = await pool.fetch(NEWEST, limit, source, status, *(before or (None, None, None)))
    return [FileView(**dict(row)) for row in rows]


async def bad_rows(pool: Any, key: FileKey, limit: int) -> Sequence[BadRowView]:
    """The first rows that could not be read. Raises Transient."""
    with translated():
        rows = await pool.fetch(BAD_ROWS, *key, limit)
    return [BadRowView(**dict(row)) for row in rows]


TELL: Final = """
UPDATE files SET stage = $3, stage_done = $4, stage_total = $5, beat_at = clock_timestamp()
 WHERE sha256 = $1 AND source = $2 AND status = 'started'"""

NAME: Final = (
    "UPDATE files SET handed_in_by = $3, beat_at = clock_timestamp() WHERE sha256 = $1 AND source = $2"
)

FAIL: Final = """
UPDATE files SET status = 'failed', reason = $3, stage = NULL, finished_at = clock_timestamp()
 WHERE sha256 = $1 AND source = $2 AND status = 'started'"""

COLUMNS: Final = """sha256, source, name, size_bytes, status, reason, rows, sent, ignored, quarantined,
       sums::text AS sums, started_at, finished_at, stage, stage_done, stage_total, handed_in_by,
       extract(epoch FROM clock_timestamp() - beat_at)::float8 AS age_seconds"""

OF_HASH: Final = f"""
SELECT {COLUMNS}, report::text AS report
  FROM files WHERE sha256 = $1 AND ($2::text IS NULL OR source = $2) ORDER BY started_at DESC, source"""

NEWEST: Final = f"""
SELECT {COLUMNS}, NULL AS report
  FROM files
 WHERE ($2::text IS NULL OR source = $2) AND ($3::text[] IS NULL OR status = ANY($3))
   AND ($4::timestamptz IS NULL OR (started_at, sha256, source) < ($4, $5, $6))
 ORDER BY started_at DESC, sha256 DESC, source DESC LIMIT $1"""

BAD_ROWS: Final = """
SELECT row_number, line, reason, raw FROM quarantined_rows
 WHERE sha256 = $1 AND source = $2 ORDER BY row_number LIMIT $3"""
