"""Single resources and pages of lists for the web API. Lists are keyset-paged, newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from app.store.api import LaneId


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    seq: int
    account: str
    direction: str
    amount: int
    currency: str
    balance_after: int


class TransactionRow(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    id: str
    kind: str
    merchant_id: str | None
    payment_id: str | None
    occurred_at: datetime
    recorded_at: datetime
    source_topic: str
    source_partition: int
    source_offset: int
    reverses: str | None
    entries: list[EntryRow]


BALANCES = """
SELECT currency, split_part(account, ':', 1) AS kind, sum(balance)::text AS balance
  FROM accounts WHERE account = ANY($1::text[]) GROUP BY account, currency ORDER BY currency, account
"""

TRANSACTIONS = """
SELECT number, id, kind, merchant_id, payment_id, occurred_at, recorded_at,
       source_topic, source_partition, source_offset, reverses
  FROM ledger_transactions WHERE {conditions} ORDER BY number DESC LIMIT $1
"""

ENTRIES = """
SELECT transaction_id, seq, account, direction::text AS direction, amount, currency, balance_after
  FROM ledger_entries WHERE transaction_id = ANY($1::text[]) ORDER BY transaction_id, seq
"""

CONDITIONS: Mapping[str, str] = {
    "merchant_id": "merchant_id = ${n}",
    "payment_id": "payment_id = ${n}",
    "kind": "kind = ${n}",
    "ids": "id = ANY(${n}::text[])",
    "recorded_since": "recorded_at >= ${n}",
    "recorded_before": "recorded_at < ${n}",
    "touching": """EXISTS (SELECT FROM ledger_entries e WHERE e.transaction_id = ledger_transactions.id
                            AND e.account = ANY(${n}::text[]))""",
    "below_number": "number < ${n}",
}
"""Filter -> its SQL; `${n}` is its argument."""


def _where(filters: Mapping[str, Any], first: int) -> tuple[str, list[Any]]:
    """Conditions of the filters that are set, and their arguments, numbered from `first`."""
    parts, arguments = ["true"], list[Any]()
    for name, value in filters.items():
        if value is None:
            continue
        n = first + len(arguments)
        parts.append(CONDITIONS[name].replace("${n}", f"${n}"))
        arguments.append(value)
    return " AND ".join(parts), arguments


async def merchant_exists(pool: Any, merchant_id: str) -> bool:
    return bool(
        await pool.fetchval("SELECT EXISTS (SELECT FROM merchants WHERE merchant_id = $1)", merchant_id)
    )


async def merchant_name(pool: Any, merchant_id: str) -> str | None:
    """As configured; None or empty where it has none."""
    name: str | None = await pool.fetchval("SELECT name FROM merchants WHERE merchant_id = $1", merchant_id)
    return name


async def balances_of(pool: Any, accounts: Collection[str]) -> list[tuple[str, str, int]]:
    """(currency, account kind, balance in minor units), summed over lanes."""
    rows = await pool.fetch(BALANCES, list(accounts))
    return [(row["currency"], row["kind"], int(row["balance"])) for row in rows]


async def list_transactions(pool: Any, limit: int, **filters: Any) -> list[TransactionRow]:
    """`filters`: names of CONDITIONS; None leaves one out. Entries come with their transactions."""
    where, arguments = _where(filters, first=2)
    async with pool.acquire() as connection:
        rows = await connection.fetch(TRANSACTIONS.format(conditions=where), limit, *arguments)
        found = await connection.fetch(ENTRIES, [row["id"] for row in rows]) if rows else []
    entries: dict[str, list[EntryRow]] = {}
    for row in found:
        fields = dict(row)
        entries.setdefault(fields.pop("transaction_id"), []).append(EntryRow(**fields))
    return [TransactionRow(**row, entries=entries.get(row["id"], [])) for row in rows]


async def positions_of(pool: Any, lanes: Collection[LaneId]) -> dict[LaneId, int]:
    """Next offset of those lanes that exist, in one query."""
    rows = await pool.fetch(
        """SELECT topic, partition, next_offset FROM positions
            WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))""",
        [lane.topic for lane in lanes],
        [lane.partition for lane in lanes],
    )
    return {LaneId(row["topic"], row["partition"]): row["next_offset"] for row in rows}
