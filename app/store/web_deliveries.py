"""The log of a webhook endpoint's deliveries, for the web: rows of `effects` with the endpoint's target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.effect import Effect

_DECODER: Final = msgspec.json.Decoder(Effect)
OFFSETS_END: Final = 2**63 - 1

# A target lives in one partition, so its offsets are the order of its events.
PAGE: Final = """
SELECT state::text FROM effects
 WHERE target = $1 AND "offset" < $2 AND status = ANY ($3::text[])
 ORDER BY "offset" DESC LIMIT $4"""
FAILED: Final = """
SELECT id FROM effects
 WHERE target = $1 AND status = 'dead' AND created_at >= $2 AND created_at < $3
 ORDER BY "offset" LIMIT $4"""


async def deliveries(
    pool: Any, target: str, statuses: Sequence[str], before: int | None, limit: int
) -> list[Effect]:
    """Newest first; `before`: offset at which the last page ended."""
    end = OFFSETS_END if before is None else before
    rows = await pool.fetch(PAGE, target, end, list(statuses), limit)
    return [_DECODER.decode(row["state"]) for row in rows]


async def delivery(pool: Any, target: str, effect_id: str) -> Effect | None:
    text = await pool.fetchval(
        "SELECT state::text FROM effects WHERE target = $1 AND id = $2", target, effect_id
    )
    return _DECODER.decode(text) if text else None


async def failed_ids(pool: Any, target: str, since: datetime, until: datetime, limit: int) -> list[str]:
    """Effects that were given up, of events of that time; the oldest first."""
    rows = await pool.fetch(FAILED, target, since, until, limit)
    return [row["id"] for row in rows]
