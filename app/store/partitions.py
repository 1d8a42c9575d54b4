"""Partitions as operators see them: where each stands, which are halted and why; lifting a halt."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from app.errors import ConfigurationError
from app.store.api import LaneId
from app.store.errors import translated


class PartitionRow(msgspec.Struct, frozen=True, kw_only=True):
    """`halted_reason` None: running. `strikes`: fail-stops counted at `strike_offset`, the latest."""

    topic: str
    partition: int
    next_offset: int
    updated_at: datetime
    halted_at: datetime | None
    halted_reason: str | None
    strikes: int
    strike_offset: int | None


async def list_partitions(pool: Any) -> list[PartitionRow]:
    """All that were ever seen, halted ones first. Raises Transient."""
    with translated():
        rows = await pool.fetch(LIST)
    return [PartitionRow(**dict(row)) for row in rows]


async def resume(pool: Any, lane: LaneId) -> str:
    """Lift the halt and forget the strikes; returns why it was halted.

    Workers go on by themselves within a second. Raises ConfigurationError where nothing is halted.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            reason = await connection.fetchval(HALTED, *lane)
            if reason is None:
                raise ConfigurationError(f"{lane} is not halted")
            await connection.execute(RESUME, *lane)
            await connection.execute(FORGET_STRIKES, *lane)
    return str(reason)


LIST: Final = """
SELECT p.topic, p.partition, p.next_offset, p.updated_at, p.halted_at, p.halted_reason,
       coalesce(s.count, 0) AS strikes, s."offset" AS strike_offset
  FROM positions p
  LEFT JOIN LATERAL (
       SELECT count, "offset" FROM strikes x
        WHERE x.topic = p.topic AND x.partition = p.partition ORDER BY last_at DESC LIMIT 1) s ON true
 ORDER BY p.halted_at IS NULL, p.topic, p.partition"""
HALTED: Final = "SELECT halted_reason FROM positions WHERE topic = $1 AND partition = $2 FOR UPDATE"
RESUME: Final = """
UPDATE positions SET halted_at = NULL, halted_reason = NULL WHERE topic = $1 AND partition = $2"""
FORGET_STRIKES: Final = "DELETE FROM strikes WHERE topic = $1 AND partition = $2"
