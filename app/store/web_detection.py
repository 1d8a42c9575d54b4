"""How long mismatches took to be found: from their second side's append to the commit that opened them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

BUCKETS_MS: Final = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
"""Upper ends, included."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds; None where nothing was found."""

    count: int
    p50_ms: int | None
    p99_ms: int | None


class Lately(msgspec.Struct, frozen=True, kw_only=True):
    """The last fifteen minutes by time of detection, and what opened in the last one."""

    opened_last_minute: int
    times: Times


class SinceStart(msgspec.Struct, frozen=True, kw_only=True):
    """Every mismatch there is. `buckets`: how many within each of BUCKETS_MS, and how many above them all."""

    times: Times
    sum_ms: int
    buckets: list[int]


LATELY: Final = """
SELECT count(*) FILTER (WHERE detected_at > now() - interval '1 minute')::int AS opened_last_minute,
       count(detected_after_ms)::int AS count,
       percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY detected_after_ms) AS quantiles
  FROM mismatches WHERE detected_at > now() - interval '15 minutes'
"""

_IN_BUCKET: Final = "count(*) FILTER (WHERE width_bucket(detected_after_ms, $1::bigint[]) = {})::int"
_BUCKETS: Final = ", ".join(_IN_BUCKET.format(number) for number in range(len(BUCKETS_MS) + 1))

SINCE_START: Final = f"""
SELECT count(detected_after_ms)::int AS count, coalesce(sum(detected_after_ms), 0)::bigint AS sum_ms,
       percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY detected_after_ms) AS quantiles,
       ARRAY[{_BUCKETS}] AS buckets
  FROM mismatches
"""


async def read_lately(connection: Any) -> Lately:
    row = await connection.fetchrow(LATELY)
    return Lately(opened_last_minute=row["opened_last_minute"], times=_times(row))


async def read_since_start(connection: Any) -> SinceStart:
    # A bucket's end belongs to it, while width_bucket's begins the next one.
    row = await connection.fetchrow(SINCE_START, [end + 1 for end in BUCKETS_MS])
    return SinceStart(times=_times(row), sum_ms=row["sum_ms"], buckets=list(row["buckets"]))


def _times(row: Any) -> Times:
    p50, p99 = row["quantiles"] or (None, None)
    return Times(count=row["count"], p50_ms=p50, p99_ms=p99)
