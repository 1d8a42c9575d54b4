"""The table `events`: a projection of `payments.events`, kept by whoever owns the partition.

A batch is one statement that begins with the position's compare-and-swap, as a lane's is. Several processes
may try at once; one succeeds. An event that the log holds twice is kept once, by its id.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.errors import Moved
from app.store.errors import translated


class EventRow(NamedTuple):
    """`body`: the record's JSON as it is in the log. Times are aware."""

    id: str
    merchant_id: str
    subject: str
    seq: int
    type: str
    payment_id: str | None
    occurred_at: datetime
    created_at: datetime
    offset: int
    body: str


class EventRows:
    """Through a pool of `app.store.pool.open_pool`. Raises Transient, BadData."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def positions(self, partitions: Collection[int]) -> dict[int, int]:
        """Partition -> the first offset that is not kept yet; of all of them."""
        asked = list(partitions)
        with translated():
            await self._pool.execute(BEGIN, asked)
            rows = await self._pool.fetch(POSITIONS, asked)
        return {row["partition"]: row["next_offset"] for row in rows}

    async def add(
        self, partition: int, first: int, upto: int, rows: Sequence[EventRow], lost: int = 0
    ) -> int:
        """Keep the events of [first, upto); returns how many were new. Raises Moved, then nothing was kept.

        `lost`: offsets of this range that are missing among `rows` for good.
        """
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in EventRow._fields]
        with translated():
            row = await self._pool.fetchrow(ADD, partition, first, upto, lost, *columns)
        if not row["moved"]:
            raise Moved(f"the events of partition {partition} do not stand at {first}")
        added: int = row["added"]
        return added


BEGIN: Final = """
INSERT INTO event_positions (partition) SELECT unnest($1::integer[]) ON CONFLICT DO NOTHING"""
POSITIONS: Final = "SELECT partition, next_offset FROM event_positions WHERE partition = ANY ($1::integer[])"
ADD: Final = """
WITH moved AS (
    UPDATE event_positions SET next_offset = $3, lost = lost + $4
     WHERE partition = $1 AND next_offset = $2 RETURNING partition),
added AS (
    INSERT INTO events (id, merchant_id, subject, seq, type, payment_id, occurred_at, created_at, partition,
                        "offset", body)
    SELECT n.id, n.merchant_id, n.subject, n.seq, n.type, n.payment_id, n.occurred_at, n.created_at,
           m.partition, n.place, n.body
      FROM moved m
     CROSS JOIN unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[],
                       $11::timestamptz[], $12::timestamptz[], $13::bigint[], $14::json[])
           n (id, merchant_id, subject, seq, type, payment_id, occurred_at, created_at, place, body)
    ON CONFLICT (id) DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM added) AS added,
       set_config('synchronous_commit', 'off', true)"""
# The commit does not wait for the disk: a crash takes the rows together with the position, to be read again.
