"""The books as they are closed: trial balance, journal for an ERP, periods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from app.domain.fields import Moment
from app.period_records import close_records, days_of_period
from app.store.trial_balance import (
    BalanceRow,
    Detail,
    JournalRow,
    journal,
    periods,
    transaction_exists,
    trial_balance,
)
from web.call import Call, NoQuery, Reply, Write
from web.deps import DEPS
from web.export import BYTE_ORDER_MARK, MOST_EXPORTS, lines, safe
from web.lane_records import by_of, preferred, store_records
from web.money import plain_amount
from web.params import Text, read_query
from web.payment_bodies import RequestBody
from web.problems import Problem, invalid
from web.schemas import Answer

BALANCE_COLUMNS: Final = ("account", "currency", "normal_side", "debit", "credit", "balance")
JOURNAL_COLUMNS: Final = (
    "transaction_id", "line", "posted_on", "occurred_at", "recorded_at", "kind", "account", "debit", "credit",
    "currency", "merchant_id", "payment_id", "reverses",
)  # fmt: skip

_under_way: set[int] = set()


class TrialBalanceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`as_of`: what is posted up to this day (UTC), it included; `known_at`: and was recorded by then.

    `detail`: sums per kind of account, or per account.
    """

    as_of: date | None = None
    known_at: Moment | None = None
    detail: Detail = "kind"


class TrialBalanceCurrency(Answer, frozen=True, kw_only=True):
    currency: str
    debit: int
    credit: int
    rows: list[BalanceRow]


class TrialBalance(Answer, frozen=True, kw_only=True):
    """Per currency debits equal credits. `balance` of a row: debit - credit."""

    as_of: date | None
    known_at: Moment | None
    currencies: list[TrialBalanceCurrency]


class JournalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`period`: a month (2026-11), a day, or two days (2026-11-01..2026-11-15). `after`: the last transaction
    that was taken over already."""

    period: Annotated[str, Meta(max_length=24)]
    after: Text | None = None


class ClosedPeriod(Answer, frozen=True, kw_only=True):
    """Closed in `lanes` of `of_lanes` partitions; `sealed_at`: once all had come to it and `verify` ran."""

    through: date
    by: str
    closed_at: Moment
    lanes: int
    of_lanes: int
    sealed_at: Moment | None


class PeriodList(Answer, frozen=True, kw_only=True):
    items: list[ClosedPeriod]


class ClosePeriod(RequestBody, frozen=True, kw_only=True):
    """`through`: the last day that is closed. It cannot be opened again."""

    through: date


class Closing(Answer, frozen=True, kw_only=True):
    through: date
    records: int


async def get_trial_balance(call: Call[TrialBalanceQuery]) -> TrialBalance:
    query = call.query
    rows = await trial_balance(call.deps.pool, query.as_of, query.known_at, query.detail)
    return TrialBalance(as_of=query.as_of, known_at=query.known_at, currencies=by_currency(rows))


async def get_trial_balance_csv(request: web.Request) -> web.StreamResponse:
    query = read_query(request.query, TrialBalanceQuery)
    rows = await trial_balance(request.app[DEPS].pool, query.as_of, query.known_at, query.detail)
    text = BYTE_ORDER_MARK + lines([BALANCE_COLUMNS]) + lines(map(_balance_cells, rows))
    name = f"trial-balance-{query.as_of or datetime.now(UTC).date()}.csv"
    return web.Response(
        body=text.encode(), headers={"Content-Disposition": f'attachment; filename="{name}"'},
        content_type="text/csv", charset="utf-8",
    )  # fmt: skip


async def get_journal(request: web.Request) -> web.StreamResponse:
    """One line per entry, in an order and under ids that never change."""
    query, pool = read_query(request.query, JournalQuery), request.app[DEPS].pool
    try:
        first, last = days_of_period(query.period)
    except ValueError as error:
        raise invalid("period", f"must be like 2026-11 or 2026-11-20: {error}") from None
    if query.after is not None and not await transaction_exists(pool, query.after):
        raise invalid("after", "is no transaction of this ledger")
    if len(_under_way) >= MOST_EXPORTS:
        raise Problem("too_many_streams", "other exports are under way", {"Retry-After": "10"})
    _under_way.add(id(request))
    try:
        return await _streamed(request, query, journal(pool, first, last, query.after))
    finally:
        _under_way.discard(id(request))


async def get_periods(call: Call[NoQuery]) -> PeriodList:
    found = await periods(call.deps.pool)
    return PeriodList(items=[ClosedPeriod(**msgspec.structs.asdict(period)) for period in found])


async def close_period(call: Write[NoQuery, ClosePeriod]) -> Reply:
    """Answers when the log has it; each lane closes where it comes to it."""
    through = call.body.through
    if through >= datetime.now(UTC).date():
        raise Problem("refused", f"{through} is not over in UTC", refusal="period_not_over")
    records = close_records(through, by_of(call.caller), call.deps.ingress.partitions)
    await store_records(call.deps, records)
    return Reply(Closing(through=through, records=len(records)), 202, preferred(call))


def by_currency(rows: Sequence[BalanceRow]) -> list[TrialBalanceCurrency]:
    found = []
    for currency in sorted({row.currency for row in rows}):
        own = [row for row in rows if row.currency == currency]
        balances = [row.balance for row in own]
        found.append(
            TrialBalanceCurrency(
                currency=currency,
                debit=sum(balance for balance in balances if balance > 0),
                credit=-sum(balance for balance in balances if balance < 0),
                rows=own,
            )
        )
    return found


async def _streamed(
    request: web.Request, query: JournalQuery, pieces: AsyncIterator[Sequence[JournalRow]]
) -> web.StreamResponse:
    # While an error can still be answered. A tuple as the default trips over CPython: SystemError.
    first = await anext(pieces, None) or ()
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="journal-{query.period}.csv"',
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    head = "" if query.after else lines([JOURNAL_COLUMNS])
    await response.write((head + lines(map(journal_cells, first))).encode())
    async for rows in pieces:
        await response.write(lines(map(journal_cells, rows)).encode())
    await response.write_eof()
    return response


def journal_cells(row: JournalRow) -> Iterable[str]:
    amount = plain_amount(row.amount, row.currency)
    is_debit = row.direction == "debit"
    return (
        row.transaction_id, str(row.seq), row.posted_on.isoformat(), safe(row.occurred_at),
        safe(row.recorded_at), safe(row.kind), safe(row.account), amount if is_debit else "",
        "" if is_debit else amount, row.currency, safe(row.merchant_id), safe(row.payment_id),
        safe(row.reverses),
    )  # fmt: skip


def _balance_cells(row: BalanceRow) -> Iterable[str]:
    amounts = (plain_amount(amount, row.currency) for amount in (row.debit, row.credit, row.balance))
    return (safe(row.account), row.currency, row.normal_side, *amounts)
