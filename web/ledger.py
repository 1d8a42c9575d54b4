"""`GET /v1/ledger/transactions`: what was posted, newest first, with all entries."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import msgspec

from app.domain.fields import Moment
from app.store.web_reads import TransactionRow, list_transactions
from web.call import Call
from web.cursors import TransactionKey, columns, cut, read_cursor, write_cursor
from web.merchants import accounts_of, own_merchant
from web.params import Limit, PositionText, Text
from web.schemas import LedgerEntry, LedgerPage, LedgerTransaction


class LedgerQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`since` ≤ recorded_at < `before`."""

    merchant_id: Text | None = None
    payment_id: Text | None = None
    kind: Text | None = None
    since: Moment | None = None
    before: Moment | None = None
    cursor: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    limit: Limit = 50
    min_position: PositionText | None = None


async def get_transactions(call: Call[LedgerQuery]) -> LedgerPage:
    query = call.query
    after = read_cursor(query.cursor, TransactionKey)
    merchant_id = own_merchant(call.principal, query.merchant_id)
    # A merchant sees what moved its own accounts, not what moved the platform's on its behalf.
    visible = None if call.principal.is_staff else accounts_of(merchant_id or "")
    await call.deps.positions.wait_for(query.min_position)
    rows = await list_transactions(
        call.deps.pool,
        query.limit + 1,
        merchant_id=merchant_id,
        payment_id=query.payment_id,
        kind=query.kind,
        touching=visible,
        recorded_since=query.since,
        recorded_before=query.before,
        below_number=after.number if after else None,
    )
    page, has_more = cut(rows, query.limit)
    return LedgerPage(
        items=[_transaction(row, visible) for row in page],
        has_more=has_more,
        next_cursor=write_cursor(TransactionKey(page[-1].number)) if has_more else None,
    )


def _transaction(row: TransactionRow, visible: Collection[str] | None) -> LedgerTransaction:
    """`visible`: the accounts whose entries may be shown, None for all."""
    entries = [
        LedgerEntry(**columns(entry)) for entry in row.entries if not visible or entry.account in visible
    ]
    return LedgerTransaction(**columns(row, "entries", "number"), entries=entries)
