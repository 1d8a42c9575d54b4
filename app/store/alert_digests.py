"""What a digest counts, in one look at the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from app.domain.alert_records import DigestLine
from app.store.errors import translated
from app.store.mismatch_filters import IS_OPEN

MOST_LINES: Final = 100
DIGEST: Final = f"""
SELECT severity, category,
       count(*) FILTER (WHERE detected_at >= $1 AND detected_at < $2)::bigint AS opened,
       count(*) FILTER (WHERE NOT {IS_OPEN}
                          AND (state ->> 'closed_at')::timestamptz >= $1
                          AND (state ->> 'closed_at')::timestamptz < $2)::bigint AS resolved,
       count(*) FILTER (WHERE {IS_OPEN})::bigint AS open
  FROM mismatches
 WHERE detected_at < $2
   AND ({IS_OPEN}
        OR detected_at >= $2 - interval '90 days')
 GROUP BY severity, category
"""
ORDER: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


async def count_digest(pool: Any, since: datetime, until: datetime) -> tuple[DigestLine, ...]:
    """Per severity and category, worst first; what has nothing to say is left out.

    Resolutions are looked for among what was opened within ninety days. Raises Transient.
    """
    with translated():
        rows = await pool.fetch(DIGEST, since, until)
    lines = [DigestLine(**row) for row in rows if row["opened"] or row["resolved"] or row["open"]]
    lines.sort(key=lambda line: (ORDER.index(line.severity), line.category))
    return tuple(lines[:MOST_LINES])
