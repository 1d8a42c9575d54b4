"""Settlement batches and bank lines for people: single ones and keyset-paged lists, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.bank_documents import Batch, HeldBankLine
from app.domain.expectations import expected, home_of
from app.domain.matching import Item
from app.domain.payment import Payment

_batch: Final = msgspec.json.Decoder(Batch).decode
_line: Final = msgspec.json.Decoder(HeldBankLine).decode
_item: Final = msgspec.json.Decoder(Item).decode

BATCHES: Final = """
SELECT state::text AS state FROM settlement_batches
 WHERE {conditions} ORDER BY (state ->> 'heard_ms')::bigint DESC, key, id LIMIT $1"""
BATCH: Final = """
SELECT state::text AS state FROM settlement_batches WHERE id = $1 ORDER BY key LIMIT 20"""
LINES: Final = """
SELECT state::text AS state FROM bank_lines
 WHERE {conditions} ORDER BY (state -> 'record' ->> 'value_date') DESC, key, id LIMIT $1"""
LINE: Final = "SELECT state::text AS state FROM bank_lines WHERE key = $1 AND id = $2"
ITEMS: Final = """
SELECT i.state::text AS state FROM unnest($1::text[], $2::text[], $3::text[]) w (psp, identity, kind)
  JOIN items i USING (psp, identity, kind)"""

BATCH_CONDITIONS: Final[Mapping[str, str]] = {
    "account": "key = ${n}",
    "source": "state ->> 'source' = ${n}",
    "batch_id": "state ->> 'batch_id' = ${n}",
    "open": "(json_typeof(state -> 'confirmed') IS DISTINCT FROM 'array') = ${n}",
    "after": """((state ->> 'heard_ms')::bigint < ((${n}::text[])[1])::bigint
                 OR ((state ->> 'heard_ms')::bigint = ((${n}::text[])[1])::bigint
                     AND (key, id) > ((${n}::text[])[2] COLLATE "C", (${n}::text[])[3] COLLATE "C")))""",
}
LINE_CONDITIONS: Final[Mapping[str, str]] = {
    "account": "key = ${n}",
    "open": "((state ->> 'named') IS NULL AND (state ->> 'matched') IS NULL AND (state ->> 'forced') IS NULL"
    " AND (state ->> 'ignored') IS NULL) = ${n}",
    "after": """((state -> 'record' ->> 'value_date') < (${n}::text[])[1]
                 OR ((state -> 'record' ->> 'value_date') = (${n}::text[])[1]
                     AND (key, id) > ((${n}::text[])[2] COLLATE "C", (${n}::text[])[3] COLLATE "C")))""",
}
"""Filter -> its SQL; `${n}` is its argument. `after`: sort key, key and id of the last row."""


class BatchEnd(NamedTuple):
    heard_ms: int
    account: str
    name: str


class LineEnd(NamedTuple):
    value_date: date
    account: str
    line_id: str


async def list_batches(pool: Any, limit: int, after: BatchEnd | None, **filters: Any) -> list[Batch]:
    """`filters`: names of BATCH_CONDITIONS; None leaves one out."""
    end = None if after is None else [str(after.heard_ms), after.account, after.name]
    where, arguments = _where(BATCH_CONDITIONS, filters | {"after": end})
    rows = await pool.fetch(BATCHES.format(conditions=where), limit, *arguments)
    return [_batch(row["state"]) for row in rows]


async def find_batches(pool: Any, name: str) -> list[Batch]:
    """Of every account; more than one where the source has changed its account."""
    return [_batch(row["state"]) for row in await pool.fetch(BATCH, name)]


async def list_bank_lines(pool: Any, limit: int, after: LineEnd | None, **filters: Any) -> list[HeldBankLine]:
    end = None if after is None else [after.value_date.isoformat(), after.account, after.line_id]
    where, arguments = _where(LINE_CONDITIONS, filters | {"after": end})
    rows = await pool.fetch(LINES.format(conditions=where), limit, *arguments)
    return [_line(row["state"]) for row in rows]


async def find_bank_line(pool: Any, account: str, line_id: str) -> HeldBankLine | None:
    state = await pool.fetchval(LINE, account, line_id)
    return None if state is None else _line(state)


async def items_of(pool: Any, payment: Payment) -> list[Item]:
    """Where the payment's objects meet their settlement lines: at the homes of what it expects."""
    wanted = [(one.psp, home_of(one), one.kind) for one in expected(payment).values()]
    if not wanted:
        return []
    rows = await pool.fetch(ITEMS, *[list(column) for column in zip(*wanted, strict=True)])
    return [_item(row["state"]) for row in rows]


def _where(conditions: Mapping[str, str], filters: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts, arguments = ["true"], list[Any]()
    for name, value in filters.items():
        if value is not None:
            arguments.append(value)
            parts.append(conditions[name].replace("${n}", f"${len(arguments) + 1}"))
    return " AND ".join(parts), arguments
