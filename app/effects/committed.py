"""Tables that also tell the executor what was committed: as lanes see them, around the worker's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from app.domain.configuration import Platform
from app.domain.effect import Effect
from app.domain.state import PLATFORM, Ref
from app.domain.streams import EFFECTS_REQUESTS
from app.store.api import LaneId, Versioned

TOLD: Final = frozenset({"effect", "platform"})
Tell = Callable[[int, Sequence[tuple[int, Effect]], Platform | None], None]


class TellingTables:
    """`inner`: the lane's tables (`app.lane.ports.Tables`). Effects are kept in none of them."""

    def __init__(self, inner: Any, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    def read(self, lane: LaneId, ref: Ref) -> Versioned | None:
        found: Versioned | None = self._inner.read(lane, ref) if self._inner.caches(ref) else None
        return found

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        found: bytes | None = self._inner.known_id(lane, key, record_id, before)
        return found

    def caches(self, ref: Ref) -> bool:
        return ref.kind in TOLD or bool(self._inner.caches(ref))

    async def write(
        self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Iterable[tuple[str, str, bytes, int]]
    ) -> None:
        """The executor first: what is committed may begin, whether a table can be written or not."""
        if lane.topic == EFFECTS_REQUESTS:
            effects = [(row.version, row.value) for ref, row in rows.items() if ref.kind == "effect"]
            platform = rows.get(PLATFORM)
            self._tell(lane.partition, effects, None if platform is None else platform.value)
        kept = {ref: row for ref, row in rows.items() if self._inner.caches(ref)}
        await self._inner.write(lane, kept, ids)
