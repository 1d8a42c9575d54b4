"""`/v1/batches`, `/v1/bank-lines` and `/v1/payments/{id}/way`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from app.store.web_bank import (
    BatchEnd,
    LineEnd,
    find_bank_line,
    find_batches,
    items_of,
    list_bank_lines,
    list_batches,
)
from app.store.web_lists import PaymentRow
from web.bank_schemas import BankLine, BankLinePage, Batch, BatchPage, PaymentWay
from web.bank_view import bank_line_of, batch_of, way_of
from web.call import Call
from web.cursors import cut, read_cursor, write_cursor
from web.finding import OneQuery, find_one, unknown
from web.params import Limit, PositionText, Text
from web.payment_view import state_of
from web.request_fields import Name

LongName = Annotated[str, Meta(max_length=450)]


class BatchKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="batches"):
    heard_ms: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    account: Name
    name: LongName


class LineKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="bank_lines"):
    value_date: date
    account: Name
    line_id: Name


class BatchesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`open`: only those that the bank has not paid, or only those that it has."""

    account: Text | None = None
    source: Text | None = None
    batch_id: Text | None = None
    open: bool | None = None
    cursor: Annotated[str, Meta(max_length=2000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


class BankLinesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`open`: only those that are nobody's yet, or only those that are somebody's."""

    account: Text | None = None
    open: bool | None = None
    cursor: Annotated[str, Meta(max_length=2000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


class OneBankQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`account`: of a batch whose source has settled to several."""

    account: Text | None = None
    min_position: PositionText | None = None


async def get_batches(call: Call[BatchesQuery]) -> BatchPage:
    query, after = call.query, read_cursor(call.query.cursor, BatchKey)
    await call.deps.positions.wait_for(query.min_position)
    end = None if after is None else BatchEnd(after.heard_ms, after.account, after.name)
    rows = await list_batches(
        call.deps.pool,
        query.limit + 1,
        end,
        account=query.account,
        source=query.source,
        batch_id=query.batch_id,
        open=query.open,
    )
    page, has_more = cut(rows, query.limit)
    last = page[-1] if page else None
    return BatchPage(
        items=[batch_of(row) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(BatchKey(last.heard_ms, last.account, last.name))
        if has_more and last is not None
        else None,
    )


async def get_batch(call: Call[OneBankQuery]) -> Batch:
    await call.deps.positions.wait_for(call.query.min_position)
    name = f"{call.path['source']}/{call.path['id']}"
    wanted = call.query.account
    for batch in await find_batches(call.deps.pool, name):
        if wanted in (None, batch.account):
            return batch_of(batch)
    raise unknown("batch", name)


async def get_bank_lines(call: Call[BankLinesQuery]) -> BankLinePage:
    query, after = call.query, read_cursor(call.query.cursor, LineKey)
    await call.deps.positions.wait_for(query.min_position)
    end = None if after is None else LineEnd(after.value_date, after.account, after.line_id)
    rows = await list_bank_lines(call.deps.pool, query.limit + 1, end, account=query.account, open=query.open)
    page, has_more = cut(rows, query.limit)
    last = page[-1].record if page else None
    return BankLinePage(
        items=[bank_line_of(row) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(LineKey(last.value_date, last.account, last.line_id))
        if has_more and last is not None
        else None,
    )


async def get_bank_line(call: Call[OneBankQuery]) -> BankLine:
    await call.deps.positions.wait_for(call.query.min_position)
    account, line_id = call.path["account"], call.path["id"]
    held = await find_bank_line(call.deps.pool, account, line_id)
    if held is None:
        raise unknown("bank line", f"{account}/{line_id}")
    return bank_line_of(held)


async def get_way(call: Call[OneQuery]) -> PaymentWay:
    row = await find_one(call, PaymentRow, "payment")
    payment = state_of(row)
    items = await items_of(call.deps.pool, payment)
    return way_of(payment, items, row.settlement_status)
