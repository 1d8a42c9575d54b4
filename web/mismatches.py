"""`GET /v1/mismatches` and `/v1/mismatches/{id}`: where two sides do not match, newest first."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from app.domain.fields import Moment
from app.domain.mismatch import OPEN_STATUSES, Category, MismatchStatus, Severity
from app.store.web_figures import MismatchRow
from app.store.web_reads import find_mismatch, list_mismatches
from web.call import Call, Principal
from web.cursors import MismatchKey, columns, cut, read_cursor, write_cursor
from web.merchants import own_merchant
from web.params import Limit, PositionText, Text
from web.problems import Problem, invalid
from web.schemas import Mismatch, MismatchPage


class MismatchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` ≤ detected_at < `before`. `open`: in any open status, or in none; not beside `status`."""

    category: Category | None = None
    severity: Severity | None = None
    status: MismatchStatus | None = None
    open: bool | None = None
    merchant_id: Text | None = None
    payment_id: Text | None = None
    psp: Text | None = None
    since: Moment | None = None
    before: Moment | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


class OneMismatchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_position`: the answer contains what was decided up to there."""

    min_position: PositionText | None = None


async def get_mismatches(call: Call[MismatchQuery]) -> MismatchPage:
    query = call.query
    after = read_cursor(query.cursor, MismatchKey)
    filters = _filters(query, call.principal)
    await call.deps.positions.wait_for(query.min_position)
    rows = await list_mismatches(
        call.deps.pool,
        query.limit + 1,
        **filters,
        below_detected=(after.detected_at, after.id) if after else None,
    )
    page, has_more = cut(rows, query.limit)
    last = MismatchKey(page[-1].detected_at, page[-1].id) if has_more else None
    return MismatchPage(
        items=[mismatch_of(row) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(last) if last else None,
    )


async def get_mismatch(call: Call[OneMismatchQuery]) -> Mismatch:
    await call.deps.positions.wait_for(call.query.min_position)
    found = await find_mismatch(call.deps.pool, call.path["id"])
    if found is None or not call.principal.may_see(found.row.merchant_id or ""):
        raise Problem("not_found", f"no mismatch {call.path['id']!r}")
    if not call.principal.is_staff:
        return mismatch_of(found.row)
    return mismatch_of(
        found.row, explanation=found.explanation, owner_topic=found.owner_topic, owner_key=found.owner_key
    )


def _filters(query: MismatchQuery, principal: Principal) -> dict[str, Any]:
    if query.open is not None and query.status is not None:
        raise invalid("open", "cannot be combined with status")
    return {
        "merchant_id": own_merchant(principal, query.merchant_id),
        "payment_id": query.payment_id,
        "psp": query.psp,
        "category": query.category,
        "severity": query.severity,
        "statuses": _statuses(query),
        "detected_since": query.since,
        "detected_before": query.before,
    }


def _statuses(query: MismatchQuery) -> list[str] | None:
    if query.status is not None:
        return [query.status]
    if query.open is None:
        return None
    closed = ["resolved", "auto_resolved", "written_off"]
    return list(OPEN_STATUSES) if query.open else closed


def mismatch_of(row: MismatchRow, **details: Any) -> Mismatch:
    known = row.expected_amount is not None and row.actual_amount is not None
    difference = (row.actual_amount or 0) - (row.expected_amount or 0) if known else None
    return Mismatch(**columns(row), difference=difference, **details)
