"""`GET /v1/mismatches/ageing` and the page `/ageing`: what is open, by how long its money is overdue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from app.domain.ageing import BUCKETS, bucket_of
from app.domain.fields import Moment
from app.store.web_ageing import OpenOnDay, open_by_day
from web import render
from web.call import Call
from web.deps import DEPS
from web.params import Text, read_query
from web.schemas import Answer

NAMES: Final = {
    "not_due": "Not due", "0-1": "0–1 days", "2-3": "2–3", "4-7": "4–7", "8-30": "8–30", "31-90": "31–90",
    "over_90": "Over 90",
}  # fmt: skip


class AgeingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`as_of`: facts of later days are left out and ages count up to it; left out: today in UTC. `known_at`:
    what was known by then; left out: now. Ages are business days, Monday to Friday."""

    as_of: date | None = None
    known_at: Moment | None = None
    merchant_id: Text | None = None
    psp: Text | None = None


class AgeBucket(Answer, frozen=True, kw_only=True):
    """`at_stake`: sum of |expected − actual|, minor units of `currency`. `overdue`: past their due time."""

    category: str
    currency: str | None
    bucket: str
    count: int
    at_stake: int
    overdue: int


class Ageing(Answer, frozen=True, kw_only=True):
    """`buckets`: their names in order; `rows`: those that are not empty."""

    as_of: date
    known_at: Moment | None
    buckets: list[str]
    rows: list[AgeBucket]


async def get_ageing(call: Call[AgeingQuery]) -> Ageing:
    return await ageing_of(call.deps.pool, call.query)


async def ageing_of(pool: Any, query: AgeingQuery) -> Ageing:
    as_of = query.as_of or datetime.now(UTC).date()
    found = await open_by_day(pool, as_of, query.known_at, query.merchant_id, query.psp)
    return Ageing(as_of=as_of, known_at=query.known_at, buckets=list(BUCKETS), rows=_rows(found, as_of))


def _rows(found: Iterable[OpenOnDay], as_of: date) -> list[AgeBucket]:
    sums: dict[tuple[str, str, str | None], Counter[str]] = {}
    for day in found:
        key = (day.category, bucket_of(day.expected_on, as_of), day.currency)
        figures = {"count": day.count, "at_stake": day.at_stake, "overdue": day.overdue}
        sums.setdefault(key, Counter()).update(figures)
    return [
        AgeBucket(
            category=category,
            currency=currency,
            bucket=bucket,
            count=total["count"],
            at_stake=total["at_stake"],
            overdue=total["overdue"],
        )
        for (category, bucket, currency), total in sorted(sums.items(), key=lambda one: _order(one[0]))
    ]


def _order(key: tuple[str, str, str | None]) -> tuple[str, str, int]:
    category, bucket, currency = key
    return category, currency or "", BUCKETS.index(bucket)


async def get_ageing_page(request: web.Request) -> web.StreamResponse:
    query = read_query(request.query, AgeingQuery)
    ageing = await ageing_of(request.app[DEPS].pool, query)
    cells = {(row.category, row.currency, row.bucket): row for row in ageing.rows}
    lines = sorted({(row.category, row.currency or "") for row in ageing.rows})
    totals = Counter[str]()
    for row in ageing.rows:
        totals[row.bucket] += row.count
    text = render.page(
        "ageing.html",
        ageing=ageing,
        query=query,
        names=NAMES,
        lines=[(category, currency or None) for category, currency in lines],
        cells=cells,
        totals=totals,
    )
    return web.Response(text=text, content_type="text/html")
