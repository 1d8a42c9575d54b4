"""What the API answers about files that are read for reconciliation. Amounts are integers in minor units."""

from __future__ import annotations

from typing import Any, Literal

from app.domain.fields import Moment
from web.schemas import Answer

FileStatus = Literal["reading", "interrupted", "done", "quarantined", "failed"]
"""`quarantined`: refused as a whole; `failed`, `interrupted`: stopped for a reason outside of the file, to be
handed in again."""


class FileProgress(Answer, frozen=True, kw_only=True):
    """`total`: 0 where it is not known yet."""

    stage: str
    done: int
    total: int


class IngestedFile(Answer, frozen=True, kw_only=True):
    """A file as one source has read it. `sums`: currency, then the name of an amount."""

    sha256: str
    source: str
    name: str
    size_bytes: int
    status: FileStatus
    reason: str | None
    """Why it was quarantined whole, or stopped."""
    rows: int
    sent: int
    ignored: int
    quarantined: int
    sums: dict[str, dict[str, int]]
    progress: FileProgress | None
    """While it is being read."""
    handed_in_by: str | None
    started_at: Moment
    finished_at: Moment | None
    status_url: str


class IngestedFilePage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[IngestedFile]
    has_more: bool
    next_cursor: str | None


class QuarantinedRow(Answer, frozen=True, kw_only=True):
    """A row that could not be read. `row` counts from 1 without the header."""

    row: int
    line: int | None
    reason: str
    raw: str


class IngestedFileDetail(IngestedFile, frozen=True, kw_only=True):
    """`report`: as `ingest --json` says it: records by kind, what was ignored, batches, statements."""

    report: dict[str, Any] | None
    quarantined_rows: list[QuarantinedRow]
    """The first hundred."""


class KnownFile(Answer, frozen=True, kw_only=True):
    """What is known of some bytes: one item per source that was given them."""

    sha256: str
    items: list[IngestedFileDetail]
