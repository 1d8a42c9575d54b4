"""What became of requests, for those who wait: one query for all of them, however many there are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from app.domain.streams import PAYMENTS_COMMANDS


class Asked(NamedTuple):
    """A request by its names: the record's key and id, and the partition that its key belongs to."""

    key: str
    id: str
    partition: int
    topic: str = PAYMENTS_COMMANDS


class Decision(NamedTuple):
    """`next_offset`: the partition's position as of the same moment; None: it has none yet.

    The rest is None as long as no record of this id was taken: not decided yet, or counted as a duplicate.
    """

    next_offset: int | None
    offset: int | None
    content_hash: bytes | None
    outcome: str | None
    reason: str | None


DECISIONS = """
SELECT p.next_offset, r."offset", r.content_hash, r.outcome, r.reason
  FROM unnest($1::text[], $2::text[], $3::int[], $4::text[])
       WITH ORDINALITY n (key, id, partition, topic, place)
  LEFT JOIN record_keys r ON r.id = n.id AND r.key = n.key AND r.topic = n.topic
  LEFT JOIN positions p ON p.topic = n.topic AND p.partition = n.partition
 ORDER BY n.place
"""


async def decisions_of(pool: Any, asked: Collection[Asked]) -> dict[Asked, Decision]:
    """Of requests on topics of lanes."""
    columns = [list(column) for column in zip(*asked, strict=True)]
    rows = await pool.fetch(DECISIONS, *columns)
    return {one: Decision(*row) for one, row in zip(asked, rows, strict=True)}
