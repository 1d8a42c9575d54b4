"""`GET /v1/payments` and `/v1/payments/{id}`."""

from __future__ import annotations

from typing import Annotated

import msgspec

from app.domain.fields import Moment
from app.domain.payment import Status
from app.store.web_lists import After, PaymentRow, list_rows
from web.call import Call
from web.cursors import PaymentKey, cut, read_cursor, write_cursor
from web.finding import OneQuery, find_one
from web.merchants import own_merchant
from web.params import Limit, PositionText, Text
from web.payment_schemas import Payment, PaymentPage
from web.payment_view import payment_of


class PaymentsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` ≤ created_at < `before`. `status`: several times, or with commas."""

    merchant_id: Text | None = None
    status: tuple[Status, ...] = ()
    currency: Text | None = None
    psp: Text | None = None
    since: Moment | None = None
    before: Moment | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


async def get_payment(call: Call[OneQuery]) -> Payment:
    return payment_of(await find_one(call, PaymentRow, "payment"), call.deps.links)


async def list_payments(call: Call[PaymentsQuery]) -> PaymentPage:
    query = call.query
    after = read_cursor(query.cursor, PaymentKey)
    filters = {
        "merchant_id": own_merchant(call.principal, query.merchant_id),
        "status": list(query.status) or None,
        "currency": query.currency,
        "psp": query.psp,
        "since": query.since,
        "before": query.before,
    }
    await call.deps.positions.wait_for(query.min_position)
    end = After(after.created_at, after.id, after.merchant_id) if after else None
    rows = await list_rows(call.deps.pool, PaymentRow, query.limit + 1, end, filters)
    page, has_more = cut(rows, query.limit)
    return PaymentPage(
        items=[payment_of(row, call.deps.links) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(PaymentKey.of(page[-1])) if has_more else None,
    )
