"""The facts of a scope as the lanes keep them: expectations, settlement lines, bank lines, trailers."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.bank_documents import Batch, HeldBankLine
from app.domain.configuration import Platform
from app.domain.matching import Item
from app.domain.run_scope import RunScope
from app.store.run_report import LONGEST_SECONDS, snapshot

MOST_ITEMS: Final = 500_000
_item: Final = msgspec.json.Decoder(Item).decode
_line: Final = msgspec.json.Decoder(HeldBankLine).decode
_batch: Final = msgspec.json.Decoder(Batch).decode
_platform: Final = msgspec.json.Decoder(Platform).decode


class ScopedFacts(NamedTuple):
    """`platform`: the configuration in force, None before the first."""

    platform: Platform | None
    items: list[Any]
    """Expectations and line records, each once."""
    banking: list[Any]
    """Trailers and bank lines; none where the scope is one merchant, payment or invoice."""


async def facts_of(pool: Any, scope: RunScope, as_of: date) -> ScopedFacts:
    """In memory: a scope of more than MOST_ITEMS objects is cut there. Raises Transient."""
    async with snapshot(pool) as connection:
        state = await connection.fetchval(PLATFORM)
        platform = None if state is None else _platform(state)
        source = platform.sources.get(scope.source) if platform and scope.source else None
        rows = await connection.fetch(
            ITEMS, source.psp if source else None, scope.merchant_id, scope.payment_id, scope.invoice_id,
            MOST_ITEMS, timeout=LONGEST_SECONDS,
        )  # fmt: skip
        found: dict[tuple[str, str], Any] = {}
        for row in rows:
            for record in _records(_item(row["state"]), scope, as_of):
                found[type(record).__name__, record.id] = record
        whole = not (scope.merchant_id or scope.payment_id or scope.invoice_id)
        banking = await _banking(connection, scope, as_of) if whole else []
        return ScopedFacts(platform, list(found.values()), banking)


def _records(item: Item, scope: RunScope, as_of: date) -> list[Any]:
    own = item.expectation
    announced = [own] if own is not None and _within(own.occurred_at.date(), scope, as_of) else []
    lines = [
        held.record
        for held in (*item.lines, *item.away)
        if scope.source in (None, held.record.source) and _within(held.record.booked_on, scope, as_of)
    ]
    return [*announced, *lines]


async def _banking(connection: Any, scope: RunScope, as_of: date) -> list[Any]:
    batches = [_batch(row["state"]) for row in await connection.fetch(BATCHES, scope.source)]
    lines = [_line(row["state"]).record for row in await connection.fetch(BANK_LINES)]
    trailers = [trailer for batch in batches for trailer in batch.trailers.values()]
    return [*trailers, *(line for line in lines if _within(line.value_date, scope, as_of))]


def _within(day: date, scope: RunScope, as_of: date) -> bool:
    return (
        day <= as_of
        and (scope.first is None or day >= scope.first)
        and (scope.last is None or day <= scope.last)
    )


PLATFORM: Final = """
SELECT state::text FROM platform WHERE topic = 'matching.commands' ORDER BY partition LIMIT 1"""

ITEMS: Final = """
SELECT state::text AS state FROM items i
 WHERE ($1::text IS NULL OR i.psp = $1) AND ($2::text IS NULL OR i.merchant_id = $2)
   AND ($3::text IS NULL OR i.payment_id = $3)
   AND ($4::text IS NULL OR (i.state -> 'expectation' -> 'identities')::jsonb ? $4)
 LIMIT $5
"""
BATCHES: Final = """
SELECT state::text AS state FROM documents
 WHERE collection = 'batch' AND ($1::text IS NULL OR state ->> 'source' = $1)"""
BANK_LINES: Final = "SELECT state::text AS state FROM documents WHERE collection = 'bank_line'"
