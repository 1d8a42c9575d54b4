"""A Faust table that is read and written by batches, outside of any event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import faust
import msgspec
from faust.types import TP

from app.handover.store import VERSION_BYTES, Items, PartitionedStore
from app.kafka.publisher import Outgoing

RESTORE_RECORDS = 2_000
"""Read at a time, about 8 ms of work: lanes are running meanwhile."""


class ChangelogSpec(msgspec.Struct, frozen=True):
    """What the changelog topic must be (`app.kafka.topics_admin.TopicSpec`)."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class LaneTable(faust.Table):
    """A bounded cache of bytes -> bytes, partitioned like its stream and restored from its changelog.

    Every value begins with its version, 8 bytes big-endian; a lower version never replaces a higher one.
    Made with `app.Table(name, partitions=N, max_keys=M)`: at most M keys per partition, None for no bound.
    """

    def __init__(self, app: Any, *, name: str, max_keys: int | None = None, **kwargs: Any) -> None:
        options = {"key_type": bytes, "value_type": bytes, "store": "memory://"} | kwargs
        super().__init__(app, name=name, **options)
        self.max_keys = max_keys
        self._unrestored: dict[int, dict[bytes, bytes | None]] = {}
        self._changelog_name = changelog_name(app.conf.id, name)
        self.changelog_topic = self._undeclared_topic()

    def _undeclared_topic(self) -> Any:
        """Not `internal`: Faust must not create it; ours is made beforehand (`changelog_spec`)."""
        raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "partitions": self.partitions}
        return self.app.topic(self._changelog_name, acks=False, allow_empty=True, **raw)

    def _new_store(self) -> PartitionedStore:
        """Extension point: faust/tables/base.py:196."""
        url = "memory://"
        store = PartitionedStore(url, self.app, self, table_name=self.name, loop=self.loop)
        store.max_keys = self.max_keys
        return store

    async def on_start(self) -> None:
        await self.add_runtime_dependency(self.data)

    def get(self, key: bytes, default: Any = None, *, partition: int | None = None) -> Any:
        """The value of `key`, or `default`. Naming the `partition` spares looking through all owned ones."""
        if partition is not None:
            return self.data.partitions.get(partition, {}).get(key, default)
        return self.data.data.get(key, default)

    def owned(self) -> frozenset[int]:
        """Partitions that this process owns, whether restored or not."""
        return frozenset(self.data.partitions)

    def restoring(self) -> frozenset[int]:
        """Owned partitions that do not know yet what their changelog holds; they take writes already."""
        return frozenset(self._unrestored)

    def size(self, partition: int) -> int:
        """Keys of one partition; 0 where it is not owned."""
        return len(self.data.partitions.get(partition, ()))

    async def put_batch(self, partition: int, items: Mapping[bytes, bytes | None]) -> bool:
        """Writes (None deletes) into the store, then to the changelog; returns when the broker has it.

        False, and nothing done, where the partition is not owned. Raises `PublishFailed`: call again with the
        same items. ValueError where a value is too short to hold its version.
        """
        records = self.stage(partition, items)
        if records is None:
            return False
        await self.app.publisher.publish(records)
        return True

    def stage(self, partition: int, items: Mapping[bytes, bytes | None]) -> list[Outgoing] | None:
        """The first half of `put_batch`: the changelog records that the caller has to publish, or None.

        For publishing several tables' changelogs, and what else a batch sends, in one call.
        """
        owned: Items | None = self.data.partitions.get(partition)
        if owned is None:
            return None
        _check_versions(self.name, items)
        changed = self.data.apply(owned, items)
        if partition in self._unrestored:
            self._unrestored[partition] |= changed
        return [Outgoing(self._changelog_name, partition, k, v) for k, v in changed.items()]

    def claim(self, tps: Collection[TP]) -> None:
        """Partitions of the changelog that are ours from now on; new ones begin empty, to be restored."""
        for tp in tps:
            if tp.partition not in self.data.partitions:
                self.data.partitions[tp.partition] = self.data.empty()
                self._unrestored[tp.partition] = {}

    async def restore(self) -> None:
        """Reads the changelogs of new partitions while these are in use: a cache may know too little.

        What was written meanwhile is laid over what is read. Raises `KafkaUnavailable`: call again.
        """
        for partition, written in sorted(self._unrestored.items()):
            items = await self._read(TP(self._changelog_name, partition), written)
            if self._unrestored.get(partition) is written:  # else it was lost on the way
                self.data.apply(items, written)
                self.data.partitions[partition] = items
                del self._unrestored[partition]

    async def _read(self, tp: TP, written: object) -> Items:
        reader, items = self.app.reader, self.data.empty()
        position = (await reader.begin_offsets([tp]))[tp]
        end = (await reader.end_offsets([tp]))[tp]
        while position < end and self._unrestored.get(tp.partition) is written:
            records, position = await reader.read(*tp, position, end, RESTORE_RECORDS)
            for record in records:
                self.data.apply(items, {record.key: record.value})
        return items  # type: ignore[no-any-return]

    async def on_rebalance(self, assigned: set[TP], *_: Any, **__: Any) -> None:
        """Forgets partitions that are no longer ours."""
        mine = {tp.partition for tp in assigned if tp.topic == self.changelog_topic_name}
        for partition in self.owned() - mine:
            del self.data.partitions[partition]
            self._unrestored.pop(partition, None)

    def changelog_spec(self, partitions: int, replication: int = 1) -> ChangelogSpec:
        """The topic to create before a worker starts; `partitions` are those of the stream."""
        return changelog_spec(self.app.conf.id, self.name, partitions, replication)

    def _refuse(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(f"table {self.name}: write with put_batch, a write per key costs a send and a future")

    __setitem__ = __delitem__ = update = clear = pop = popitem = setdefault = _refuse


def changelog_name(app_id: str, table: str) -> str:
    """Faust's name for it; data depends on it, so a test pins it."""
    return f"{app_id}-{table}-changelog"


def changelog_spec(app_id: str, table: str, partitions: int, replication: int = 1) -> ChangelogSpec:
    config = {"cleanup.policy": "compact"}
    return ChangelogSpec(changelog_name(app_id, table), partitions, replication, config)


def _check_versions(name: str, items: Mapping[bytes, bytes | None]) -> None:
    for key, value in items.items():
        if value is not None and len(value) < VERSION_BYTES:
            raise ValueError(f"table {name}: the value of {key!r} has no room for its 8-byte version")
