"""Verify by itself: whichever worker looks first when the last run is old enough proves what came since."""

from __future__ import annotations

from typing import Any

from app.store.errors import translated
from app.store.verify import Report
from app.store.verify import verify_if_due as prove_if_due

SECONDS_SINCE = "SELECT extract(epoch FROM clock_timestamp() - max(finished_at))::float8 FROM verify_runs"


async def verify_if_due(pool: Any, dsn: str, every_seconds: float) -> Report | None:
    """The report of a run made now, None where the last is younger or another worker is at it.

    The look through the pool is cheap; whoever finds it time asks again under the lock. Raises Transient.
    """
    with translated():
        since: float | None = await pool.fetchval(SECONDS_SINCE)
    if since is not None and since < every_seconds:
        return None
    return await prove_if_due(dsn, every_seconds)
