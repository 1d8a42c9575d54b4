"""Reads of the table `effects`: for the executor, and for people. Only a lane's commit writes there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.configuration import Platform
from app.domain.effect import Effect
from app.store.errors import translated

COLUMNS: Final = """
partition, version, target, id, kind, object, "offset", status, attempts, reason, created_at, next_at,
deadline_at
"""


class OpenEffect(msgspec.Struct, frozen=True, gc=False):
    """An effect without its work. Times are aware."""

    partition: int
    version: int
    target: str
    id: str
    kind: str
    object: str
    offset: int
    status: str
    attempts: int
    reason: str | None
    created_at: datetime
    next_at: datetime | None
    deadline_at: datetime


class EffectRows:
    """Through a pool of `app.store.pool.open_pool`. Raises Transient."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        with translated():
            rows: list[Any] = await self._pool.fetch(query, *arguments)
            return rows

    async def changed_since(self, seen: Mapping[int, int], limit: int) -> list[OpenEffect]:
        """Open effects with versions above their partition's seen one; at most `limit` each, by version."""
        rows = await self._fetch(CHANGED, list(seen), list(seen.values()), limit)
        return [OpenEffect(*row) for row in rows]

    async def of_target(self, target: str, beyond: int, limit: int) -> list[OpenEffect]:
        """Open effects of a target that were asked for after offset `beyond`, in that order."""
        return [OpenEffect(*row) for row in await self._fetch(OF_TARGET, target, beyond, limit)]

    async def find(self, keys: Collection[tuple[str, str]]) -> list[tuple[int, int, Effect]]:
        """(partition, version, effect) of those (target, id) that there are."""
        rows = await self._fetch(FIND, [key[0] for key in keys], [key[1] for key in keys])
        return [(row[0], row[1], _DECODER.decode(row[2])) for row in rows]

    async def platform(self) -> Platform | None:
        """The configuration in force in the effects lane."""
        rows = await self._fetch(PLATFORM)
        return _PLATFORM.decode(rows[0][0]) if rows else None

    async def select(
        self,
        *,
        statuses: Sequence[str] = (),
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[OpenEffect]:
        """Effects for people, the oldest request first. `target` may end in `*`; times are of the request."""
        prefix = target.removesuffix("*") if target and target.endswith("*") else None
        exact = None if prefix is not None else target
        rows = await self._fetch(SELECT, list(statuses), exact, prefix, since, until, limit)
        return [OpenEffect(*row) for row in rows]

    async def by_id(self, effect_id: str) -> list[Effect]:
        """With this id, whatever its target; more than one only where askers made the same id."""
        rows = await self._fetch("SELECT state::text FROM effects WHERE id = $1 ORDER BY target", effect_id)
        return [_DECODER.decode(row[0]) for row in rows]


_DECODER: Final = msgspec.json.Decoder(Effect)
_PLATFORM: Final = msgspec.json.Decoder(Platform)

CHANGED: Final = f"""
SELECT e.* FROM unnest($1::integer[], $2::bigint[]) s(partition, seen)
 CROSS JOIN LATERAL (
       SELECT {COLUMNS} FROM effects t
        WHERE t.partition = s.partition AND t.version > s.seen AND t.status IN ('ready', 'waiting')
        ORDER BY t.version LIMIT $3) e"""
OF_TARGET: Final = f"""
SELECT {COLUMNS} FROM effects WHERE target = $1 AND "offset" > $2 AND status IN ('ready', 'waiting')
 ORDER BY "offset" LIMIT $3"""
FIND: Final = """
SELECT t.partition, t.version, t.state::text FROM unnest($1::text[], $2::text[]) w(target, id)
 CROSS JOIN LATERAL (SELECT * FROM effects t WHERE t.id = w.id AND t.target = w.target OFFSET 0) t"""
PLATFORM: Final = """
SELECT state::text FROM platform WHERE topic = 'effects.requests' ORDER BY version DESC LIMIT 1"""
SELECT: Final = f"""
SELECT {COLUMNS} FROM effects
 WHERE (cardinality($1::text[]) = 0 OR status = ANY ($1::text[]))
   AND ($2::text IS NULL OR target = $2) AND ($3::text IS NULL OR starts_with(target, $3))
   AND ($4::timestamptz IS NULL OR created_at >= $4) AND ($5::timestamptz IS NULL OR created_at < $5)
 ORDER BY created_at, "offset" LIMIT $6"""
