"""Reconciliation runs and schedules, for the web and the command line. Runs are listed newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.runs import Run, Schedule
from app.store.errors import translated

_run: Final = msgspec.json.Decoder(Run).decode
_schedule: Final = msgspec.json.Decoder(Schedule).decode

RUN: Final = "SELECT state::text FROM documents WHERE collection = 'run' AND id = $1 AND key = $1"
RUNS: Final = """
SELECT (state::jsonb - 'report')::text AS state
  FROM documents
 WHERE collection = 'run' AND ($2::text IS NULL OR state ->> 'schedule_id' = $2)
   AND ($3::text IS NULL OR coalesce(state ->> 'status', 'requested') = $3)
   AND ($4::timestamptz IS NULL OR ((state ->> 'requested_at')::timestamptz, id) < ($4, $5::text))
 ORDER BY (state ->> 'requested_at')::timestamptz DESC, id DESC LIMIT $1
"""
SCHEDULE: Final = "SELECT state::text FROM documents WHERE collection = 'schedule' AND id = $1 AND key = $1"
SCHEDULES: Final = "SELECT state::text FROM documents WHERE collection = 'schedule' ORDER BY id"


async def find_run(pool: Any, run_id: str) -> Run | None:
    with translated():
        state = await pool.fetchval(RUN, run_id)
    return None if state is None else _run(state)


async def list_runs(
    pool: Any,
    limit: int,
    after: tuple[datetime, str] | None = None,
    schedule_id: str | None = None,
    status: str | None = None,
) -> list[Run]:
    """Without their reports. `after`: (requested_at, run id) of the last one of the page before."""
    moment, run_id = after or (None, None)
    with translated():
        rows: Sequence[Any] = await pool.fetch(RUNS, limit, schedule_id, status, moment, run_id)
    return [_run(row["state"]) for row in rows]


async def find_schedule(pool: Any, schedule_id: str) -> Schedule | None:
    with translated():
        state = await pool.fetchval(SCHEDULE, schedule_id)
    return None if state is None else _schedule(state)


async def list_schedules(pool: Any) -> list[Schedule]:
    """All of them, by id: there are few."""
    with translated():
        return [_schedule(row["state"]) for row in await pool.fetch(SCHEDULES)]
