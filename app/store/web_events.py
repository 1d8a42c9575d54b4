"""Reads of the table `events`, for the web: lists newest first, one by its id, a payment's in order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from app.store.web_lists import Query, where


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """`body`: the event as JSON, as it is on `payments.events`. (partition, offset): its place there."""

    id: str
    merchant_id: str
    subject: str
    seq: int
    type: str
    payment_id: str | None
    occurred_at: datetime
    created_at: datetime
    partition: int
    offset: int
    body: str


class Place(NamedTuple):
    """Where the last page ended."""

    created_at: datetime
    partition: int
    offset: int


COLUMNS: Final = ", ".join(f't."{name}"' for name in StoredEvent.__struct_fields__)
CONDITIONS: Final[Mapping[str, str]] = {
    "merchant_id": "t.merchant_id = ${n}",
    "payment_id": "t.payment_id = ${n}",
    "types": "t.type = ANY(${n}::text[])",
    "since": "t.created_at >= ${n}",
    "before": "t.created_at < ${n}",
}
"""Filter of a list -> its SQL; `${n}` is its argument."""
BY_ID: Final = f"SELECT {COLUMNS} FROM events t WHERE t.id = $1 AND ($2::text IS NULL OR t.merchant_id = $2)"
OF_PAYMENT: Final = f"""
SELECT {COLUMNS} FROM events t
 WHERE t.payment_id = $1 AND t.merchant_id = $2 AND t.subject = $3 AND t.seq > $4 ORDER BY t.seq LIMIT $5"""


def events_query(limit: int, after: Place | None, filters: Mapping[str, Any]) -> Query:
    conditions, arguments = where(CONDITIONS, filters)
    if after is not None:
        n = len(arguments)
        conditions += f' AND (t.created_at, t.partition, t."offset") < (${n + 1}, ${n + 2}, ${n + 3})'
        arguments += after
    query = f"""SELECT {COLUMNS} FROM events t WHERE {conditions}
                 ORDER BY t.created_at DESC, t.partition DESC, t."offset" DESC LIMIT {limit:d}"""
    return query, arguments


async def list_events(
    pool: Any, limit: int, after: Place | None, filters: Mapping[str, Any]
) -> list[StoredEvent]:
    """`filters`: names of CONDITIONS; None leaves one out. `after`: what comes after this one in the list."""
    query, arguments = events_query(limit, after, filters)
    return [StoredEvent(**row) for row in await pool.fetch(query, *arguments)]


async def find_event(pool: Any, event_id: str, merchant_id: str | None) -> StoredEvent | None:
    """`merchant_id` None: whoever's."""
    row = await pool.fetchrow(BY_ID, event_id, merchant_id)
    return StoredEvent(**row) if row else None


async def events_of_payment(
    pool: Any, merchant_id: str, payment_id: str, above: int, limit: int
) -> list[StoredEvent]:
    """Those about the payment itself with numbers above `above`, by number."""
    rows = await pool.fetch(OF_PAYMENT, payment_id, merchant_id, f"payment/{payment_id}", above, limit)
    return [StoredEvent(**row) for row in rows]
