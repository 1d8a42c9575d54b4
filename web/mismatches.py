"""`GET /v1/mismatches` and `/v1/mismatches/{id}`: where two sides do not match."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from app.domain.fields import Moment
from app.store.mismatch_filters import MismatchFilter
from app.store.web_figures import MismatchRow
from app.store.web_mismatches import (
    COUNT_AT_MOST,
    MismatchDetails,
    MismatchGroup,
    Sort,
    count_mismatches,
    find_mismatch,
    list_mismatches,
)
from web.call import Call, Principal
from web.cursors import columns, cut, write_cursor
from web.evidence import evidence_of
from web.mismatch_filters import FilterQuery, filter_of
from web.mismatch_orders import KEYS, beyond
from web.mismatch_schemas import Mismatch, MismatchCounts, MismatchDetail, MismatchPage
from web.params import Limit, PositionText
from web.problems import Problem, invalid
from web.work import work_of

CursorText = Annotated[str, msgspec.Meta(max_length=1000)]


class MismatchQuery(FilterQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    __doc__ = f"""{FilterQuery.__doc__}
    `sort`: newest first, oldest first, the most severe first, the largest |actual − expected| in minor units
    first, the soonest due first. `counts`: also say how many the whole filter finds. `as_of`: what is open of
    facts up to this day, by their own dates; `known_at`: what was open then; neither beside `open`, `status`.
    """

    sort: Sort = "-detected_at"
    counts: bool = False
    as_of: date | None = None
    known_at: Moment | None = None
    cursor: CursorText | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


class OneMismatchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`min_position`: the answer contains what was decided up to there."""

    min_position: PositionText | None = None


async def get_mismatches(call: Call[MismatchQuery]) -> MismatchPage:
    query, pool = call.query, call.deps.pool
    after = beyond(query.cursor, query.sort)
    wanted = _at(query, filter_of(query, call.principal))
    await call.deps.positions.wait_for(query.min_position)
    rows = await list_mismatches(pool, wanted, query.sort, query.limit + 1, after)
    page, has_more = cut(rows, query.limit)
    counts = counted(await count_mismatches(pool, wanted)) if query.counts else None
    return MismatchPage(
        items=[mismatch_of(row, call.principal) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(KEYS[query.sort].of(page[-1])) if has_more else None,
        counts=counts,
    )


def _at(query: MismatchQuery, wanted: MismatchFilter) -> MismatchFilter:
    if query.as_of is None and query.known_at is None:
        return wanted
    if wanted.statuses:
        raise invalid("as_of", "says what was open then: it cannot be combined with open or status")
    return replace(wanted, as_of=query.as_of, known_at=query.known_at)


async def get_mismatch(call: Call[OneMismatchQuery]) -> MismatchDetail:
    await call.deps.positions.wait_for(call.query.min_position)
    found = await find_mismatch(call.deps.pool, call.path["id"])
    if found is None or not call.principal.may_see(found.row.merchant_id or ""):
        raise Problem("not_found", f"no mismatch {call.path['id']!r}")
    return await detail_of(call.deps.pool, found, call.principal)


async def detail_of(pool: Any, found: MismatchDetails, principal: Principal) -> MismatchDetail:
    """All of it for staff, what lists show for its merchant."""
    row = columns(mismatch_of(found.row, principal))
    if not principal.is_staff:
        return MismatchDetail(**row)
    return MismatchDetail(
        **row,
        explanation=found.explanation,
        owner_topic=found.owner_topic,
        owner_key=found.owner_key,
        evidence=await evidence_of(pool, found),
        work=work_of(found, principal.caller),
    )


def counted(groups: list[MismatchGroup]) -> MismatchCounts:
    total = sum(group.count for group in groups)
    return MismatchCounts(total=total, is_complete=total < COUNT_AT_MOST, groups=groups)


def mismatch_of(row: MismatchRow, principal: Principal) -> Mismatch:
    """Who of the staff has it is nothing for merchants."""
    assignee = row.assignee if principal.is_staff else None
    return Mismatch(**columns(row, "assignee"), difference=difference_of(row), assignee=assignee)


def difference_of(row: MismatchRow) -> int | None:
    """Actual − expected in minor units; None where a side is missing."""
    if row.expected_amount is None or row.actual_amount is None:
        return None
    return row.actual_amount - row.expected_amount
