"""What is open or given up of the effects, counted by where it goes; for status and metrics."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class EffectCount(msgspec.Struct, frozen=True, kw_only=True):
    """`group`: `psp:{name}` or `webhook:{merchant_id}`. `oldest_seconds`: since its request."""

    group: str
    status: Literal["ready", "waiting", "dead"]
    count: int
    oldest_seconds: float


MOST_GROUPS = 200
EFFECT_COUNTS = """
SELECT g AS "group", status, sum(count)::int AS count,
       greatest(extract(epoch FROM clock_timestamp() - min(oldest)), 0)::float8 AS oldest_seconds
  FROM (SELECT split_part(target, '/', 1) AS g, status, count(*) AS count, min(created_at) AS oldest
          FROM effects WHERE status IN ('ready', 'waiting') GROUP BY 1, 2
         UNION ALL
        SELECT split_part(target, '/', 1), status, count(*), min(created_at)
          FROM effects WHERE status = 'dead' GROUP BY 1, 2) e
 GROUP BY 1, 2 ORDER BY sum(count) DESC, 1, 2 LIMIT $1
"""


async def read_effect_counts(connection: Any) -> list[EffectCount]:
    """The groups with the most; each half goes through an index that holds nothing else."""
    return [EffectCount(**row) for row in await connection.fetch(EFFECT_COUNTS, MOST_GROUPS)]
