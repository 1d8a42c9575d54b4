"""`GET /v1/alerts`, `/v1/alerts/{id}` and the page `/alerts`: what people were told, by whom it was taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from app.domain.alert_delivery import AlertKind
from app.domain.fields import Moment
from app.domain.mismatch import Severity
from app.store.web_alerts import AlertRow, find_alerts, list_alerts
from web import render
from web.call import Call, NoQuery
from web.cursors import cut, read_cursor, write_cursor
from web.deps import DEPS
from web.params import Limit, read_query
from web.problems import Problem
from web.request_fields import Name
from web.schemas import Answer

PAGE_ROWS = 100
AlertState = Literal["open", "closed"]


class AlertListKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="alerts"):
    told_at: Moment
    id: Name


class AlertsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`state`: whether people were told that it is over; digests and tests are over at once."""

    state: AlertState | None = None
    severity: Severity | None = None
    kind: AlertKind | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    limit: Limit = 50


class AlertDelivery(Answer, frozen=True, kw_only=True):
    """One message to one channel. `status`: `asked`, `ready`, `waiting`, `done`, or `dead` (given up)."""

    number: int
    channel: str
    status: str
    attempts: int
    reason: str | None


class AlertMessage(Answer, frozen=True, kw_only=True):
    """`opened` and `open` as they were then."""

    number: int
    what: str
    at: Moment
    opened: int
    open: int
    deliveries: list[AlertDelivery]


class AlertDetail(Answer, frozen=True, kw_only=True):
    """`opened`: since people were first told of this round; `open`: of it what is not resolved.

    `scope`: the batch or the day; of a condition what it is about. `messages`: the latest, newest first.
    """

    id: str
    kind: AlertKind
    severity: Severity
    category: str
    psp: str | None
    merchant_id: str | None
    scope: str | None
    state: AlertState
    opened: int
    open: int
    began_at: Moment
    told_at: Moment | None
    mismatch_ids: list[str]
    messages: list[AlertMessage]


class AlertPage(Answer, frozen=True, kw_only=True):
    """What was told last comes first."""

    items: list[AlertDetail]
    has_more: bool
    next_cursor: str | None


async def get_alerts(call: Call[AlertsQuery]) -> AlertPage:
    return await page_of(call.deps.pool, call.query, call.query.limit)


async def get_alert(call: Call[NoQuery]) -> AlertDetail:
    found = await find_alerts(call.deps.pool, call.path["id"])
    if not found:
        raise Problem("not_found", f"no alert {call.path['id']!r}")
    return detail_of(found[0])


async def get_alerts_page(request: web.Request) -> web.StreamResponse:
    query = read_query(request.query, AlertsQuery)
    page = await page_of(request.app[DEPS].pool, query, PAGE_ROWS)
    return web.Response(text=render.page("alerts.html", query=query, page=page), content_type="text/html")


async def page_of(pool: Any, query: AlertsQuery, limit: int) -> AlertPage:
    key = read_cursor(query.cursor, AlertListKey)
    rows, has_more = cut(
        await list_alerts(
            pool,
            limit=limit + 1,
            before=None if key is None else (str(msgspec.to_builtins(key.told_at)), key.id),
            closed=None if query.state is None else query.state == "closed",
            severity=query.severity,
            kind=query.kind,
        ),
        limit,
    )
    return AlertPage(
        items=[detail_of(row) for row in rows],
        has_more=has_more,
        next_cursor=_cursor(rows[-1]) if has_more else None,
    )


def _cursor(row: AlertRow) -> str | None:
    told_at = row.alert.told_at
    return None if told_at is None else write_cursor(AlertListKey(told_at, row.alert.id))


def detail_of(row: AlertRow) -> AlertDetail:
    alert, key = row.alert, row.alert.key
    return AlertDetail(
        id=alert.id,
        kind=key.kind,
        severity=key.severity,
        category=key.category,
        psp=key.psp,
        merchant_id=key.merchant_id,
        scope=key.scope,
        state="closed" if alert.closed else "open",
        opened=alert.opened,
        open=alert.open,
        began_at=alert.began_at,
        told_at=alert.told_at,
        mismatch_ids=list(alert.samples),
        messages=[
            AlertMessage(
                number=told.number,
                what=told.what,
                at=told.at,
                opened=told.opened,
                open=told.open,
                deliveries=[
                    AlertDelivery(**{name: getattr(one, name) for name in one.__struct_fields__})
                    for one in row.deliveries
                    if one.number == told.number
                ],
            )
            for told in reversed(alert.messages)
        ],
    )
