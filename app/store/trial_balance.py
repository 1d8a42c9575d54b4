"""The books as they are closed: trial balances as of a day, the journal of a period, periods and their seals.

A transaction is posted on its own day (UTC), or on the first open one where that was closed when its lane
came to it (`ledger_journal`). Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec

from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS, PAYMENTS_COMMANDS, RECONCILIATION_COMMANDS
from app.store.run_report import LONGEST_SECONDS, snapshot

POSTING_LANES: Final = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, BANKING_COMMANDS, RECONCILIATION_COMMANDS)
"""What a period is closed in; the last one posts opening balances."""
JOURNAL_ROWS: Final = 2_000
Detail = Literal["kind", "account"]


class BalanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """`balance`: debit - credit; `normal_side` tells on which side the account grows."""

    account: str
    currency: str
    normal_side: str
    debit: int
    credit: int
    balance: int


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a transaction, in the journal's own order, which never changes."""

    transaction_id: str
    seq: int
    posted_on: date
    occurred_at: datetime
    recorded_at: datetime
    kind: str
    account: str
    direction: str
    amount: int
    currency: str
    merchant_id: str | None
    payment_id: str | None
    reverses: str | None


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A close. `lanes` of `of_lanes` partitions have come to it; sealed once all have."""

    through: date
    by: str
    closed_at: datetime
    lanes: int
    of_lanes: int
    sealed_at: datetime | None


async def trial_balance(
    pool: Any, as_of: date | None, known_at: datetime | None, detail: Detail = "kind"
) -> list[BalanceRow]:
    """Sums of what is posted up to `as_of` and was recorded by `known_at`; None: all."""
    account = "split_part(e.account, ':', 1)" if detail == "kind" else "e.account"
    async with snapshot(pool) as connection:
        rows = await connection.fetch(
            TRIAL_BALANCE.format(account=account), as_of, known_at, timeout=LONGEST_SECONDS
        )
    return [
        BalanceRow(
            account=row["account"],
            currency=row["currency"],
            normal_side=row["normal_side"],
            debit=int(row["debit"]),
            credit=int(row["credit"]),
            balance=int(row["debit"] - row["credit"]),
        )
        for row in rows
    ]


async def journal(
    pool: Any, first: date, last: date, after: str | None = None
) -> AsyncIterator[Sequence[JournalRow]]:
    """Entries posted from `first` to `last`, in pieces; `after`: the last transaction that is there already.

    One snapshot from beginning to end, so that what it holds balances.
    """
    async with snapshot(pool) as connection:
        cursor = await connection.cursor(JOURNAL, first, last, after, timeout=LONGEST_SECONDS)
        while rows := await cursor.fetch(JOURNAL_ROWS, timeout=LONGEST_SECONDS):
            yield [JournalRow(**row) for row in rows]


async def transaction_exists(pool: Any, transaction_id: str) -> bool:
    return bool(
        await pool.fetchval("SELECT EXISTS (SELECT FROM ledger_transactions WHERE id = $1)", transaction_id)
    )


async def periods(pool: Any) -> list[Period]:
    """Closes, the latest first."""
    rows = await pool.fetch(PERIODS, list(POSTING_LANES))
    return [Period(**row) for row in rows]


TRIAL_BALANCE: Final = """
SELECT s.*, k.normal_side::text AS normal_side
  FROM (SELECT {account} AS account, e.currency,
               coalesce(sum(e.amount) FILTER (WHERE e.direction = 'debit'), 0) AS debit,
               coalesce(sum(e.amount) FILTER (WHERE e.direction = 'credit'), 0) AS credit
          FROM ledger_journal t JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE ($1::date IS NULL OR t.posted_on <= $1) AND ($2::timestamptz IS NULL OR t.recorded_at <= $2)
         GROUP BY 1, 2) s
  JOIN account_kinds k ON k.prefix = split_part(s.account, ':', 1)
 ORDER BY s.currency, s.account
"""

JOURNAL: Final = """
WITH done AS (
    SELECT posted_on, source_topic, source_partition, source_offset, id
      FROM ledger_journal WHERE id = $3::text
)
SELECT t.id AS transaction_id, e.seq, t.posted_on, t.occurred_at, t.recorded_at, t.kind, e.account,
       e.direction::text AS direction, e.amount, e.currency, t.merchant_id, t.payment_id, t.reverses
  FROM ledger_journal t JOIN ledger_entries e ON e.transaction_id = t.id
 WHERE t.posted_on BETWEEN $1::date AND $2::date
   AND ($3::text IS NULL
        OR (t.posted_on, t.source_topic, t.source_partition, t.source_offset, t.id) > (SELECT * FROM done))
 ORDER BY t.posted_on, t.source_topic, t.source_partition, t.source_offset, t.id, e.seq
"""

PERIODS: Final = """
SELECT d.id::date AS through, min(d.state ->> 'by') AS by,
       max((d.state ->> 'closed_at')::timestamptz) AS closed_at,
       count(*)::int AS lanes,
       (SELECT count(*)::int FROM positions p WHERE p.topic = ANY($1::text[])) AS of_lanes,
       (SELECT max(s.sealed_at) FROM period_seals s WHERE s.through = d.id::date) AS sealed_at
  FROM documents d WHERE d.collection = 'period_close' GROUP BY d.id ORDER BY d.id DESC
"""
