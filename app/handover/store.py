"""A table's memory, one dict per partition, so that a lost partition is forgotten at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from faust.stores import base

Items = dict[bytes, bytes]
VERSION_BYTES = 8


class _Merged(Mapping[bytes, bytes]):
    """All partitions as one read-only mapping; a key lives in one partition only."""

    def __init__(self, partitions: dict[int, Items]) -> None:
        self._partitions = partitions

    def __getitem__(self, key: bytes) -> bytes:
        for items in self._partitions.values():
            if key in items:
                return items[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[bytes]:
        return chain.from_iterable(self._partitions.values())

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))


class PartitionedStore(base.Store):
    """`partitions` holds the owned partitions only. A value begins with its version, 8 bytes big-endian.

    `max_keys` bounds each partition: the keys written longest ago go first.
    """

    def __post_init__(self) -> None:
        self.partitions: dict[int, Items] = {}
        self.data = _Merged(self.partitions)
        self.max_keys: int | None = None

    def empty(self) -> Items:
        """For one partition. A plain dict looks for its oldest key past all those deleted before it."""
        return {} if self.max_keys is None else OrderedDict()

    def apply(self, items: Items, changes: Mapping[bytes, bytes | None]) -> dict[bytes, bytes | None]:
        """Applies `changes` to one partition's `items`; returns what really changed, evictions included.

        A value with a lower version than the one present is left out.
        """
        done: dict[bytes, bytes | None] = {}
        for key, value in changes.items():
            if value is None:
                items.pop(key, None)
                done[key] = None
            elif not self._is_older(value, items.get(key)):
                if self.max_keys is not None:
                    items.pop(key, None)  # so that the dict's order is that of the last writing
                items[key] = value
                done[key] = value
        return done | dict.fromkeys(self._evict(items))

    @staticmethod
    def _is_older(value: bytes, present: bytes | None) -> bool:
        return present is not None and value[:VERSION_BYTES] < present[:VERSION_BYTES]

    def _evict(self, items: Items) -> list[bytes]:
        if self.max_keys is None or not isinstance(items, OrderedDict):
            return []
        return [items.popitem(last=False)[0] for _ in range(len(items) - self.max_keys)]

    def persisted_offset(self, tp: Any) -> int | None:
        """Memory only: a changelog is read from its beginning."""
        return None

    def apply_changelog_batch(self, batch: Any, to_key: Any, to_value: Any) -> None:
        raise NotImplementedError("changelogs are read by LaneTable.restore")

    def reset_state(self) -> None: ...

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        raise NotImplementedError("memory has no backups")

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        raise NotImplementedError("memory has no backups")
