"""The workers' rows: who is alive, which lanes it owns, what it counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from app.store.errors import translated


class Beat(Protocol):
    """One sign of life. `figures`: lane ('topic:partition') -> its counters since the worker's start."""

    @property
    def worker_id(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def pid(self) -> int: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def rss_bytes(self) -> int: ...
    @property
    def lanes(self) -> list[str]: ...
    @property
    def figures(self) -> dict[str, dict[str, Any]]: ...


class WorkerRows:
    """Writes them through a pool of `app.store.pool.open_pool`. Raises Transient."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def write(self, beat: Beat) -> None:
        figures = msgspec.json.encode(beat.figures).decode().replace("\\u0000", "")
        with translated():
            await self._pool.execute(
                WRITE,
                beat.worker_id,
                beat.host,
                beat.pid,
                beat.started_at,
                beat.rss_bytes,
                beat.lanes,
                figures,
            )

    async def remove(self, worker_id: str) -> None:
        """A clean stop: nobody has to wonder where the worker went."""
        with translated():
            await self._pool.execute("DELETE FROM workers WHERE worker_id = $1", worker_id)


WRITE: Final = """
INSERT INTO workers (worker_id, host, pid, started_at, seen_at, rss_bytes, lanes, figures)
VALUES ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7)
    ON CONFLICT (worker_id) DO UPDATE
   SET host = excluded.host, pid = excluded.pid, started_at = excluded.started_at,
       seen_at = excluded.seen_at, rss_bytes = excluded.rss_bytes, lanes = excluded.lanes,
       figures = excluded.figures"""
