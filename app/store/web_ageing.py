"""What was open as of a day, by the day its money was expected: a few rows per day at most."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import msgspec

from app.store.mismatch_filters import STAKE

OPEN: Final = f"""
SELECT coalesce((state ->> 'expected_on')::date, mismatch_fact_on(explanation, detected_at)) AS expected_on,
       category, currency, count(*)::int AS count, sum({STAKE})::text AS at_stake,
       (count(*) FILTER (WHERE due_at < coalesce($2, clock_timestamp())))::int AS overdue
  FROM mismatches_open_at($1::date, $2::timestamptz)
 WHERE ($3::text IS NULL OR merchant_id = $3) AND ($4::text IS NULL OR psp = $4)
 GROUP BY 1, 2, 3
"""


class OpenOnDay(msgspec.Struct, frozen=True, kw_only=True):
    """`at_stake`: sum of |expected - actual| in minor units; `overdue`: nobody closed them in their time."""

    expected_on: date
    category: str
    currency: str | None
    count: int
    at_stake: int
    overdue: int


async def open_by_day(
    pool: Any, as_of: date, known_at: datetime | None, merchant_id: str | None, psp: str | None
) -> list[OpenOnDay]:
    """`known_at` None: as it is known now."""
    rows = await pool.fetch(OPEN, as_of, known_at, merchant_id, psp)
    return [OpenOnDay(**{**row, "at_stake": int(row["at_stake"])}) for row in rows]
