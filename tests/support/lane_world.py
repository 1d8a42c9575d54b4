"""One lane over the memory store and a log in a list: for tests of single rules of the engine."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import msgspec

from app.contracts.topics import TOPICS
from app.domain.state import Ref
from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from app.lane.lane import Lane
from app.lane.ports import Deps, Settings
from app.store.api import LaneId, Store, Versioned
from tests.support.memory_store import MemoryStore

PARTITIONS = 4
APPENDED_MS = 1_763_640_000_000


class Fetched(NamedTuple):
    """A record as a consumer gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = APPENDED_MS
    headers: tuple[tuple[str, bytes], ...] = ()


class Left(Exception):
    """Stands for the end of the process."""


class Log:
    """A partition's log; `gaps` are offsets without a record (transaction markers)."""

    def __init__(self) -> None:
        self.records: list[Fetched] = []
        self.end = 0
        self.reads = 0

    def append(self, value: bytes | None, key: bytes | None = b"m-1", **fields: Any) -> Fetched:
        record = Fetched(self.end, key, value, **fields)
        self.records.append(record)
        self.end += 1
        return record

    def gap(self) -> None:
        self.end += 1

    async def read(
        self, topic: str, partition: int, start: int, upto: int, max_records: int
    ) -> tuple[Sequence[Fetched], int]:
        self.reads += 1
        found = [record for record in self.records if start <= record.offset < upto][:max_records]
        full = len(found) == max_records
        return found, found[-1].offset + 1 if full else min(upto, self.end)

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        return dict.fromkeys(partitions, self.end)


class Output:
    """Keeps what was published, in order."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.records.extend(records)

    def on(self, topic: str) -> list[Any]:
        return [msgspec.json.decode(record.value or b"") for record in self.records if record.topic == topic]


class Cached:
    """Tables that say what they are told; `rows` and `ids` may be wrong on purpose.

    `offsets`: where ids were committed; those without one came before everything.
    """

    def __init__(self) -> None:
        self.rows: dict[Ref, Versioned] = {}
        self.ids: dict[tuple[str, str], bytes] = {}
        self.offsets: dict[tuple[str, str], int] = {}

    def caches(self, ref: Ref) -> bool:
        return ref.kind == "account"

    def read(self, lane: LaneId, ref: Ref) -> Versioned | None:
        return self.rows.get(ref)

    def known_id(self, lane: LaneId, key: str, record_id: str, before: int) -> bytes | None:
        return self.ids.get((key, record_id)) if self.offsets.get((key, record_id), -1) < before else None

    async def write(
        self, lane: LaneId, rows: Mapping[Ref, Versioned], ids: Iterable[tuple[str, str, bytes, int]]
    ) -> None:
        self.rows.update(rows)
        for key, record_id, content, offset in ids:
            self.ids[key, record_id] = content
            self.offsets[key, record_id] = offset


class World:
    """`lane` decides what `log` holds; merchant m-1 lives in this lane's partition."""

    def __init__(self, store: Store | None = None, **settings: Any) -> None:
        self.store = MemoryStore()
        self.log = Log()
        self.output = Output()
        self.tables = Cached()
        self.slept: list[float] = []
        self.id = LaneId(PAYMENTS_COMMANDS, partition_for(b"m-1", PARTITIONS))
        self.deps = Deps(
            store=store or self.store,
            reader=self.log,
            publisher=self.output,
            tables=self.tables,
            partitions={topic.name: PARTITIONS for topic in TOPICS},
            leave=_leave,
            sleep=self._sleep,
            monotonic=time.monotonic,
            settings=Settings(**settings),
        )
        self.lane = self.new_lane()

    def new_lane(self) -> Lane:
        """Another worker's lane for the same partition."""
        return Lane(self.id, RULES[self.id.topic], self.deps)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def payment(self, number: int, **fields: Any) -> Fetched:
        return self.log.append(payment(number, **fields))

    async def position(self) -> int:
        return (await self.store.position(self.id)).next_offset


def payment(number: int, **fields: Any) -> bytes:
    """A `payment.record` of merchant m-1 over 1000 + `number` minor units."""
    record = {
        "type": "payment.record",
        "id": f"c{number}",
        "merchant_id": "m-1",
        "payment_id": f"pay-{number}",
        "amount": 1000 + number,
        "currency": "EUR",
        "psp": "stripe",
        "psp_payment_id": f"pi_{number}",
        "occurred_at": "2026-11-20T09:00:00Z",
    }
    return msgspec.json.encode(record | fields)


def _leave(reason: str) -> NoReturn:
    raise Left(reason)
