"""`GET /v1/files` and `/v1/files/{sha256}`: what was handed in, how far its reading is, what it came to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta

from app.domain.fields import Moment
from app.ingest.jobs import SILENT_SECONDS
from app.store.file_progress import FileView, bad_rows, newest_files, views_of
from app.store.files import FileKey
from web.call import Call
from web.cursors import cut, read_cursor, write_cursor
from web.file_schemas import (
    FileProgress,
    FileStatus,
    IngestedFile,
    IngestedFileDetail,
    IngestedFilePage,
    KnownFile,
    QuarantinedRow,
)
from web.params import Limit, Text
from web.problems import Problem

SHOWN_ROWS: Final = 100
HASH: Final = re.compile(r"[0-9a-f]{64}")
STATUSES: Final[Mapping[str, FileStatus]] = {
    "done": "done",
    "quarantined": "quarantined",
    "failed": "failed",
}
Cursor = Annotated[str, Meta(max_length=2000)]
_sums: Final = msgspec.json.Decoder(dict[str, dict[str, int]]).decode
_report: Final = msgspec.json.Decoder(dict[str, Any]).decode


class FileKeyset(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="files"):
    """Where a page of the list ended."""

    started_at: Moment
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    source: str


class FilesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`status`: as it is kept, several times or with commas; `started` is being read, or was interrupted."""

    source: Text | None = None
    status: tuple[Literal["started", "done", "quarantined", "failed"], ...] = ()
    cursor: Cursor | None = None
    limit: Limit = 50


class OneFileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`source`: only as this source has read it."""

    source: Text | None = None


async def get_files(call: Call[FilesQuery]) -> IngestedFilePage:
    query = call.query
    after = read_cursor(query.cursor, FileKeyset)
    before = (after.started_at, bytes.fromhex(after.sha256), after.source) if after else None
    rows = await newest_files(
        call.deps.pool, query.limit + 1, query.source, list(query.status) or None, before
    )
    page, has_more = cut(rows, query.limit)
    last = page[-1] if page else None
    following = FileKeyset(last.started_at, last.sha256.hex(), last.source) if has_more and last else None
    return IngestedFilePage(
        items=[IngestedFile(**fields_of(row)) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(following) if following else None,
    )


async def get_file(call: Call[OneFileQuery]) -> KnownFile:
    """What is known of these bytes. Raises Problem `not_found`."""
    text = call.path["sha256"]
    items = [await detail_of(call.deps.pool, row) for row in await views(call.deps.pool, text, call.query)]
    return KnownFile(sha256=text, items=items)


async def views(pool: Any, text: str, query: OneFileQuery) -> list[FileView]:
    """Raises Problem `not_found`, also for what is no hash."""
    known = HASH.fullmatch(text)
    found = list(await views_of(pool, bytes.fromhex(text), query.source)) if known else []
    if not found:
        raise Problem("not_found", "no file with this hash was handed in")
    return found


async def detail_of(pool: Any, row: FileView) -> IngestedFileDetail:
    bad = await bad_rows(pool, FileKey(row.sha256, row.source), SHOWN_ROWS) if row.quarantined else ()
    return IngestedFileDetail(
        **fields_of(row),
        report=_report(row.report) if row.report is not None else None,
        quarantined_rows=[
            QuarantinedRow(row=one.row_number, line=one.line, reason=one.reason, raw=one.raw) for one in bad
        ],
    )


def fields_of(row: FileView) -> dict[str, Any]:
    status = status_of(row)
    under_way = status == "reading" and row.stage is not None
    progress = FileProgress(stage=row.stage or "", done=row.stage_done, total=row.stage_total)
    return {
        "sha256": row.sha256.hex(),
        "source": row.source,
        "name": row.name,
        "size_bytes": row.size_bytes,
        "status": status,
        "reason": row.reason,
        "rows": row.rows,
        "sent": row.sent,
        "ignored": row.ignored,
        "quarantined": row.quarantined,
        "sums": _sums(row.sums),
        "progress": progress if under_way else None,
        "handed_in_by": row.handed_in_by,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "status_url": status_url(row.sha256, row.source),
    }


def status_of(row: FileView) -> FileStatus:
    """A reader in the background that is silent has died; the command line gives no signs of life."""
    if row.status == "started":
        silent = row.age_seconds is not None and row.age_seconds > SILENT_SECONDS
        return "interrupted" if silent else "reading"
    return STATUSES[row.status]


def status_url(sha256: bytes, source: str) -> str:
    return f"/v1/files/{sha256.hex()}?source={quote(source, safe='')}"
