"""Payments, payouts and refunds for the web API: single ones, those that are waited for, and pages of lists.

Lists are keyset-paged, newest first. A refund has no row of its own: its list is the ledger's refunds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from app.domain.dedup import own_claim
from app.domain.streams import PAYMENTS_COMMANDS

Owned = tuple[str, str]
"""(merchant id, id)."""


class PaymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A payment's columns and, in `state`, the text of what its owner lane keeps. Amounts in minor units."""

    merchant_id: str
    id: str
    status: str
    dispute_status: str
    settlement_status: str
    amount: int
    captured_amount: int
    refunded_amount: int
    disputed_amount: int
    currency: str
    psp: str
    psp_payment_id: str | None
    flags: list[str]
    created_at: datetime
    state: str
    version: int


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    merchant_id: str
    id: str
    status: str
    amount: int
    currency: str
    bank_fee: int
    psp_payout_id: str | None
    created_at: datetime
    state: str
    version: int


class RefundRow(NamedTuple):
    """What the ledger posted as a refund, and the payment it is of."""

    number: int
    transaction_id: str
    payment: PaymentRow


class After(NamedTuple):
    """Where the last page ended."""

    created_at: datetime
    id: str
    merchant_id: str


Row = TypeVar("Row", PaymentRow, PayoutRow)
TABLES: Final[Mapping[type, str]] = {PaymentRow: "payments", PayoutRow: "payouts"}

CONDITIONS: Final[Mapping[str, str]] = {
    "merchant_id": 't.merchant_id COLLATE "POSIX" = ${n}',
    "status": "t.status = ANY(${n}::text[])",
    "currency": "t.currency = ${n}",
    "psp": "t.psp = ${n}",
    "since": "t.created_at >= ${n}",
    "before": "t.created_at < ${n}",
}
"""Filter of a list -> its SQL; `${n}` is its argument. The collation is that of the list's index."""
FINDING: Final[Mapping[str, str]] = {"id": "t.id = ${n}", "merchant_id": "t.merchant_id = ${n}"}

REFUND_CONDITIONS: Final[Mapping[str, str]] = {
    "merchant_id": "l.merchant_id = ${n}",
    "payment_id": "l.payment_id = ${n}",
    "below": "l.number < ${n}",
}

PAYMENT_OF_REFUND: Final = "SELECT value FROM claims WHERE topic = $1 AND key = $2 AND claim = $3"

Query = tuple[str, list[Any]]
"""SQL and its arguments."""


def _columns(row: type[PaymentRow] | type[PayoutRow]) -> str:
    return ", ".join(f"t.{name}" for name in row.__struct_fields__)


def keys_query(kind: type[Row]) -> str:
    return f"""SELECT {_columns(kind)} FROM unnest($1::text[], $2::text[]) n (merchant_id, id)
                 JOIN {TABLES[kind]} t ON t.id = n.id AND t.merchant_id = n.merchant_id"""


async def rows_by_key(pool: Any, kind: type[Row], wanted: Collection[Owned]) -> dict[Owned, Row]:
    """Those that are there, in one query."""
    merchants, ids = [list(column) for column in zip(*wanted, strict=True)]
    rows = await pool.fetch(keys_query(kind), merchants, ids)
    return {(row["merchant_id"], row["id"]): kind(**row) for row in rows}


def find_query(kind: type[Row], row_id: str, merchant_id: str | None, limit: int) -> Query:
    conditions, arguments = where(FINDING, {"id": row_id, "merchant_id": merchant_id})
    query = f"""SELECT {_columns(kind)} FROM {TABLES[kind]} t WHERE {conditions}
                 ORDER BY t.merchant_id LIMIT {limit:d}"""
    return query, arguments


def page_query(kind: type[Row], limit: int, after: After | None, filters: Mapping[str, Any]) -> Query:
    conditions, arguments = where(CONDITIONS, filters)
    if after is not None:
        n = len(arguments)
        conditions += f" AND (t.created_at, t.id, t.merchant_id) < (${n + 1}, ${n + 2}, ${n + 3})"
        arguments += after
    query = f"""SELECT {_columns(kind)} FROM {TABLES[kind]} t WHERE {conditions}
                 ORDER BY t.created_at DESC, t.id DESC, t.merchant_id DESC LIMIT {limit:d}"""
    return query, arguments


async def payment_of_refund(pool: Any, merchant_id: str, refund_id: str) -> str | None:
    """The id of the payment that has this refund, by what the merchant lane has claimed for it."""
    found: str | None = await pool.fetchval(
        PAYMENT_OF_REFUND,
        PAYMENTS_COMMANDS,
        *own_claim(merchant_id, "refund", refund_id).key,
    )
    return found


def refunds_query(limit: int, **filters: Any) -> Query:
    conditions, arguments = where(REFUND_CONDITIONS, filters)
    query = f"""SELECT l.number, l.id AS transaction_id, {_columns(PaymentRow)}
                  FROM ledger_transactions l
                  JOIN payments t ON t.id = l.payment_id AND t.merchant_id = l.merchant_id
                 WHERE l.kind = 'refund' AND {conditions} ORDER BY l.number DESC LIMIT {limit:d}"""
    return query, arguments


async def find_rows(
    pool: Any, kind: type[Row], row_id: str, merchant_id: str | None, limit: int
) -> list[Row]:
    """All with this id (of this merchant): ids are unique per merchant only."""
    query, arguments = find_query(kind, row_id, merchant_id, limit)
    return [kind(**row) for row in await pool.fetch(query, *arguments)]


async def list_rows(
    pool: Any, kind: type[Row], limit: int, after: After | None, filters: Mapping[str, Any]
) -> list[Row]:
    """`filters`: names of CONDITIONS; None leaves one out. `after`: older than this one only."""
    query, arguments = page_query(kind, limit, after, filters)
    return [kind(**row) for row in await pool.fetch(query, *arguments)]


async def list_refunds(pool: Any, limit: int, **filters: Any) -> list[RefundRow]:
    """What was posted as refunds, newest first. `filters`: names of REFUND_CONDITIONS."""
    query, arguments = refunds_query(limit, **filters)
    names = PaymentRow.__struct_fields__
    return [
        RefundRow(row["number"], row["transaction_id"], PaymentRow(**{name: row[name] for name in names}))
        for row in await pool.fetch(query, *arguments)
    ]


def where(conditions: Mapping[str, str], filters: Mapping[str, Any]) -> Query:
    """Conditions of the filters that are set, and their arguments."""
    parts, arguments = ["true"], list[Any]()
    for name, value in filters.items():
        if value is not None:
            arguments.append(value)
            parts.append(conditions[name].replace("${n}", f"${len(arguments)}"))
    return " AND ".join(parts), arguments
