"""Everything a filter of mismatches finds, as CSV for a spreadsheet: streamed, and safe to open there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from app.store.web_figures import MismatchRow
from app.store.web_mismatches import all_mismatches
from web.deps import DEPS
from web.finder import FinderQuery, wanted_by
from web.mismatches import difference_of
from web.money import plain_amount
from web.params import read_query
from web.problems import Problem
from web.visitor import PRINCIPAL

COLUMNS: Final = (
    "id", "detected_at", "due_at", "severity", "category", "leg", "status", "merchant_id", "payment_id",
    "psp", "batch_id", "currency", "expected", "actual", "difference", "detected_after_ms",
)  # fmt: skip
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is run by spreadsheets (OWASP, CSV injection)."""
MOST_EXPORTS: Final = 4
BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""

_under_way: set[int] = set()


async def get_export(request: web.Request) -> web.StreamResponse:
    """Newest first, whatever the page's order is. Amounts in units of their currency."""
    query = read_query(request.query, FinderQuery)
    wanted = wanted_by(query, request[PRINCIPAL])
    if len(_under_way) >= MOST_EXPORTS:
        raise Problem("too_many_streams", "other exports are under way", {"Retry-After": "10"})
    _under_way.add(id(request))
    try:
        pieces = all_mismatches(request.app[DEPS].pool, wanted)
        first: list[MismatchRow] = await anext(pieces, [])  # while an error can still be answered
        response = await _begun(request)
        await response.write((BYTE_ORDER_MARK + lines([COLUMNS]) + lines(map(cells_of, first))).encode())
        async for rows in pieces:
            await response.write(lines(map(cells_of, rows)).encode())
        await response.write_eof()
        return response
    finally:
        _under_way.discard(id(request))


async def _begun(request: web.Request) -> web.StreamResponse:
    name = f"mismatches-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.csv"
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    return response


def cells_of(row: MismatchRow) -> list[str]:
    amounts = {
        "expected": row.expected_amount,
        "actual": row.actual_amount,
        "difference": difference_of(row),
    }
    return [
        plain_amount(amounts[name], row.currency) if name in amounts else safe(getattr(row, name))
        for name in COLUMNS
    ]


def safe(value: Any) -> str:
    """A text that a spreadsheet shows and does not run."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) and not isinstance(value, int) else text


def lines(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
