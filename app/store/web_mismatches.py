"""Mismatches for the web: pages in five orders, counts, one with its evidence, and all of a filter.

Lists are keyset-paged, so a page costs the same at any depth and what arrives meanwhile shifts nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec
import orjson

from app.domain.workflow_state import Proposal, Resolution
from app.store.mismatch_filters import RANK, STAKE, Conditions, MismatchFilter, add_filter
from app.store.web_figures import MISMATCH_COLUMNS, MismatchRow

Sort = Literal["-detected_at", "detected_at", "severity", "amount", "due_at"]
COUNT_AT_MOST: Final = 10_000
"""Counting stops here: the answer says that there are more."""
EXPORT_ROWS: Final = 1_000


class Order(NamedTuple):
    """`by`: ORDER BY; `beyond`: what lies after a key, whose parts are the places `{}`."""

    by: str
    beyond: str


ORDERS: Final[dict[Sort, Order]] = {
    "-detected_at": Order("detected_at DESC, id DESC", "(detected_at, id) < ({}, {})"),
    "detected_at": Order("detected_at, id", "(detected_at, id) > ({}, {})"),
    "severity": Order(
        f"({RANK}) DESC, detected_at DESC, id DESC", f"({RANK}, detected_at, id) < ({{}}, {{}}, {{}})"
    ),
    "amount": Order(
        f"({STAKE}) DESC, detected_at DESC, id DESC", f"({STAKE}, detected_at, id) < ({{}}, {{}}, {{}})"
    ),
    "due_at": Order("due_at, id", "(due_at, id) > ({}, {})"),
}
"""Every order ends in the id, so that it is the same on every page."""


class MismatchGroup(msgspec.Struct, frozen=True, kw_only=True):
    category: str
    severity: str
    count: int


class WorkRow(msgspec.Struct, frozen=True, kw_only=True):
    """What people have done, of the row's own state."""

    assignee: str | None = None
    proposal: Proposal | None = None
    resolution: Resolution | None = None
    audited: int = 0
    expected_on: date | None = None


_work: Final = msgspec.json.Decoder(WorkRow).decode


class MismatchDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One mismatch and its evidence. `version`: offset of its last change; `work`: what people did."""

    row: MismatchRow
    explanation: dict[str, Any]
    owner_topic: str
    owner_key: str
    version: int
    work: WorkRow


MISMATCH: Final = f"""
SELECT {MISMATCH_COLUMNS}, explanation::text AS explanation, owner_topic, owner_key, version,
       state::text AS state
  FROM mismatches WHERE id = $1
"""

LAST_CHANGE: Final = """
SELECT committed_at FROM batches
 WHERE topic = $1 AND partition = $2 AND first_offset <= $3 AND last_offset >= $3
 ORDER BY first_offset DESC LIMIT 1
"""

DETECTED_AFTER: Final = "SELECT id, detected_after_ms FROM mismatches WHERE id = ANY($1::text[])"

POSTED_BY_LINES: Final = "SELECT state::text FROM items WHERE identity = $1 AND kind = $2 AND psp = $3"


def page_query(
    wanted: MismatchFilter, sort: Sort, beyond: Sequence[Any] | None, limit: int
) -> tuple[str, list[Any]]:
    """(SQL, its arguments) of one page."""
    conditions = Conditions(first=2)
    add_filter(conditions, wanted)
    order = ORDERS[sort]
    if beyond is not None:
        conditions.add(order.beyond, *beyond)
    # What is computed per row (`seq` out of a document) is computed for this page's rows only.
    found = f"SELECT * FROM mismatches WHERE {conditions.sql} ORDER BY {order.by} LIMIT $1"
    sql = f"SELECT {MISMATCH_COLUMNS} FROM ({found}) m ORDER BY {order.by}"
    return sql, [limit, *conditions.arguments]


def count_query(wanted: MismatchFilter) -> tuple[str, list[Any]]:
    conditions = Conditions(first=2)
    add_filter(conditions, wanted)
    found = f"SELECT category, severity FROM mismatches WHERE {conditions.sql} LIMIT $1"
    sql = f"SELECT category, severity, count(*)::int AS count FROM ({found}) m GROUP BY 1, 2 ORDER BY 1, 2"
    return sql, [COUNT_AT_MOST, *conditions.arguments]


async def list_mismatches(
    pool: Any, wanted: MismatchFilter, sort: Sort, limit: int, beyond: Sequence[Any] | None = None
) -> list[MismatchRow]:
    """`beyond`: the sort key of the last row of the page before."""
    sql, arguments = page_query(wanted, sort, beyond, limit)
    return [MismatchRow(**row) for row in await pool.fetch(sql, *arguments)]


async def count_mismatches(pool: Any, wanted: MismatchFilter) -> list[MismatchGroup]:
    """Per category and severity; of at most COUNT_AT_MOST rows, so that it stays cheap."""
    sql, arguments = count_query(wanted)
    return [MismatchGroup(**row) for row in await pool.fetch(sql, *arguments)]


async def all_mismatches(pool: Any, wanted: MismatchFilter) -> AsyncIterator[list[MismatchRow]]:
    """Everything a filter finds, newest first, in pieces.

    No transaction stays open between them: a slow reader must not keep dead rows of the outbox alive.
    """
    beyond = None
    while True:
        rows = await list_mismatches(pool, wanted, "-detected_at", EXPORT_ROWS, beyond)
        if rows:
            yield rows
        if len(rows) < EXPORT_ROWS:
            return
        beyond = (rows[-1].detected_at, rows[-1].id)


async def find_mismatch(pool: Any, mismatch_id: str) -> MismatchDetails | None:
    row = await pool.fetchrow(MISMATCH, mismatch_id)
    if row is None:
        return None
    fields = dict(row)
    own = {name: fields.pop(name) for name in ("owner_topic", "owner_key", "version")}
    explanation, work = orjson.loads(fields.pop("explanation")), _work(fields.pop("state"))
    return MismatchDetails(row=MismatchRow(**fields), explanation=explanation, work=work, **own)


async def partitions_of(pool: Any, topic: str) -> int:
    """How many partitions the topic has, as far as lanes have written positions; 0 before the first."""
    return int(
        await pool.fetchval("SELECT coalesce(max(partition) + 1, 0) FROM positions WHERE topic = $1", topic)
    )


async def last_change(pool: Any, topic: str, partition: int, offset: int) -> datetime | None:
    """When the batch with this record was committed."""
    found: datetime | None = await pool.fetchval(LAST_CHANGE, topic, partition, offset)
    return found


async def item_state(pool: Any, psp: str, identity: str, kind: str) -> Any:
    """What the matching lane keeps of an object of a PSP, as JSON decodes; None where there is none."""
    state = await pool.fetchval(POSTED_BY_LINES, identity, kind, psp)
    return None if state is None else orjson.loads(state)


async def detected_after(pool: Any, ids: Sequence[str]) -> dict[str, int]:
    """Mismatch id -> milliseconds from its second side's append to its commit, where that is known."""
    rows = await pool.fetch(DETECTED_AFTER, list(ids))
    return {row["id"]: row["detected_after_ms"] for row in rows if row["detected_after_ms"] is not None}
