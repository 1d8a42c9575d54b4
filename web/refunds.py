"""Refunds: asked for at `POST /v1/payments/{id}/refunds`, seen there and at `GET /v1/refunds`.

A refund lives in its payment. The list of all is the ledger's refunds, each with what has become of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from app.domain.commands import RefundCreate
from app.store.web_lists import PaymentRow, RefundRow, find_rows, list_refunds, payment_of_refund
from web.call import Call, NoQuery, Reply, Write
from web.carrying_out import Awaited, carry_out
from web.cursors import RefundKey, cut, read_cursor, write_cursor
from web.finding import OneQuery, find_one, unknown
from web.merchants import own_merchant
from web.params import Limit, PositionText, Text
from web.payment_asking import caller_of, new_id, operation_is_over
from web.payment_bodies import NewRefund
from web.payment_schemas import RefundDetail, RefundPage
from web.payment_view import refund_of, refund_of_posting, state_of
from web.problems import Problem


class RefundsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page may be shorter than `limit` where figures were corrected: `has_more` says whether to go on."""

    merchant_id: Text | None = None
    payment_id: Text | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


async def create_refund(call: Write[NoQuery, NewRefund]) -> Reply:
    payment_id, refund_id = call.path["id"], new_id(call, "re", call.body.refund_id)
    command = RefundCreate(
        **caller_of(call),
        payment_id=payment_id,
        refund_id=refund_id,
        amount=call.body.amount,
        currency=call.body.currency,
    )

    def answer(row: PaymentRow) -> RefundDetail:
        found = refund_of(row, refund_id)
        if found is None:
            raise Problem("not_found", f"no refund {refund_id!r} of {payment_id!r}")
        return found

    awaited = Awaited(
        id=refund_id,
        poller=call.deps.desk.payments,
        owned=(command.merchant_id, payment_id),
        is_settled=lambda row: operation_is_over(row, "refund", refund_id),
        answer=answer,
    )
    return await carry_out(call, command, awaited)


async def get_payments_refunds(call: Call[OneQuery]) -> RefundPage:
    """All of one payment, in the order of their ids: there are few."""
    row = await find_one(call, PaymentRow, "payment")
    found = [refund_of(row, key) for key in state_of(row).refunds]
    return RefundPage(items=[one for one in found if one], has_more=False, next_cursor=None)


async def get_refund(call: Call[OneQuery]) -> RefundDetail:
    """Refunds are a merchant's: staff say whose."""
    merchant_id = own_merchant(call.principal, call.query.merchant_id)
    await call.deps.positions.wait_for(call.query.min_position)
    refund_id, pool = call.path["id"], call.deps.pool
    payment_id = await payment_of_refund(pool, merchant_id or "", refund_id)
    rows = await find_rows(pool, PaymentRow, payment_id, merchant_id, 1) if payment_id else []
    found = refund_of(rows[0], refund_id) if rows else None
    if found is None:
        raise unknown("refund", refund_id)
    return found


async def get_refunds(call: Call[RefundsQuery]) -> RefundPage:
    query = call.query
    after = read_cursor(query.cursor, RefundKey)
    merchant_id = own_merchant(call.principal, query.merchant_id)
    await call.deps.positions.wait_for(query.min_position)
    rows = await list_refunds(
        call.deps.pool,
        query.limit + 1,
        merchant_id=merchant_id,
        payment_id=query.payment_id,
        below=after.number if after else None,
    )
    page, has_more = cut(rows, query.limit)
    return RefundPage(
        items=_refunds(page),
        has_more=has_more,
        next_cursor=write_cursor(RefundKey(page[-1].number)) if has_more else None,
    )


def _refunds(rows: Sequence[RefundRow]) -> list[RefundDetail]:
    found = [refund_of_posting(row.payment, row.transaction_id) for row in rows]
    return [refund for refund in found if refund is not None]
