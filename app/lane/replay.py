"""Replay: decide the lane logs again from offset 0 into an empty database.

Publishes nothing and produces no timer: what lanes and timers sent lies in the logs already. Timers that are
still pending at the end become live when a worker starts. Each lane's log alone decides its rows, so the
partitions are replayed side by side; doors are not, what they translated lies in the lanes' logs.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from app.errors import ConfigurationError, LogTruncated
from app.lane.lanes import Lanes
from app.lane.ports import LogReader
from app.store.api import Commit, LaneId, Store


class WholeLog(LogReader, Protocol):
    async def begin_offsets(
        self, partitions: Collection[tuple[str, int]]
    ) -> Mapping[tuple[str, int], int]: ...


class NoTables:
    """A worker without Faust tables: everything is asked of PostgreSQL."""

    def read(self, lane: LaneId, ref: object) -> None:
        return None

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> None:
        return None

    def caches(self, ref: object) -> bool:
        return False

    async def write(self, lane: LaneId, rows: object, ids: object) -> None:
        return None


async def check_replayable(store: Store, reader: WholeLog, owners: Sequence[LaneId]) -> dict[LaneId, int]:
    """End offset per lane. Raises where the database is not empty or a log does not begin at 0."""
    for lane, position in (await store.positions(owners)).items():
        if position.next_offset:
            raise ConfigurationError(
                f"replay needs an empty database, but {lane} already stands at {position.next_offset}"
            )
    for owner, begin in (await reader.begin_offsets(owners)).items():
        if begin:
            raise LogTruncated(f"{LaneId(*owner)} begins at offset {begin}, not at 0: it cannot be replayed")
    ends = await reader.end_offsets(owners)
    return {lane: ends[lane] for lane in owners}


async def replay(lanes: Lanes, ends: Mapping[LaneId, int], progress: Callable[[LaneId, int], None]) -> int:
    """Decide every lane up to its end, calling `progress` per chunk. Returns the number of offsets."""
    await asyncio.gather(*(_replay_lane(lanes, lane, end, progress) for lane, end in ends.items()))
    return sum(ends.values())


async def _replay_lane(
    lanes: Lanes, lane: LaneId, end: int, progress: Callable[[LaneId, int], None], chunk: int = 10_000
) -> None:
    for upto in [*range(chunk, end, chunk), end]:
        await lanes[lane].catch_up(upto)
        if lanes[lane].halted is not None:
            raise LogTruncated(f"{lane} was halted: {lanes[lane].halted}")
        progress(lane, upto)


async def start_doors_at_their_logs(store: Store, reader: WholeLog, doors: Sequence[LaneId]) -> None:
    """A door's old records may be gone: its position begins where its log does; repeats do no harm."""
    for lane, begin in (await reader.begin_offsets(doors)).items():
        if begin:
            await store.commit(Commit(lane=LaneId(*lane), first=0, next=begin, counts={}))
