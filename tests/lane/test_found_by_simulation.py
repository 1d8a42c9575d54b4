"""What the simulator found, one by one: each was a schedule that went wrong once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any

import pytest

from app.domain.state import Ref, account_ref
from app.errors import BadData, Transient
from app.lane.catalogue import RULES
from app.lane.lane import Lane
from app.lane.lanes import Lanes
from app.lane.watchdog import Watchdog, WatchdogSettings
from app.store.api import LaneId, Versioned
from tables import dedup_keys
from tests.support.lane_world import Fetched, World
from tests.support.memory_store import MemoryStore

PENDING = account_ref("m_pend:m-1", "EUR")
HASH = b"h" * 16


class RefusesNul(MemoryStore):
    """As PostgreSQL does, already where an id is only asked for."""

    async def known_ids(self, lane: LaneId, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        if any("\x00" in record_id for _, record_id in ids):
            raise BadData("a NUL cannot be compared with text")
        return await super().known_ids(lane, ids)


async def test_a_poison_record_is_buried_without_asking_for_its_id() -> None:
    store = RefusesNul()
    world = World(store)
    await world.lane.process([world.payment(1), world.payment(2, id="c\x00"), world.payment(3)])
    assert store.next_offsets[world.id] == 3
    assert dict(world.lane.stats.outcomes) == {"applied": 2, "dead_letter": 1}
    assert store.strikes == {}


def test_an_id_committed_later_than_the_record_in_hand_is_no_repeat() -> None:
    """Only a database restored from an older backup can have such a table beside it."""
    value = dedup_keys.encode(HASH, 7)
    assert dedup_keys.content_hash_of(value, before=8) == HASH
    assert dedup_keys.content_hash_of(value, before=7) is None
    assert dedup_keys.content_hash_of(b"", before=8) is None


async def test_a_table_is_asked_for_ids_before_the_batch() -> None:
    world = World()
    asked: list[int] = []

    def known_id(lane: LaneId, key: str, record_id: str, before: int) -> None:
        asked.append(before)

    world.tables.known_id = known_id  # type: ignore[method-assign]
    await world.lane.process([world.payment(1), world.payment(2)])
    await world.lane.process([world.payment(3)])
    assert asked == [0, 0, 2]


class Mixed(MemoryStore):
    """Lets another worker commit while one decision reads its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def load(self, lane: LaneId, refs: Collection[Ref]) -> dict[Ref, Versioned]:
        rows = await super().load(lane, refs)
        if self.meanwhile:
            await self.meanwhile.pop(0)()
        return rows


async def test_a_rule_that_breaks_on_mixed_rows_behind_a_moved_position_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Mixed()
    world = World(store)
    first, second = world.payment(1), world.payment(2)
    broken: list[str] = []

    def decide(draft: Any, command: Any) -> None:
        broken.append(command.id)
        raise AttributeError("a claim without its payment")

    monkeypatch.setattr(world.lane, "_rules", _with(RULES[world.id.topic], decide))
    other = world.new_lane()
    store.meanwhile = [
        partial(_undisturbed, store, other, first),
        partial(_undisturbed, store, other, second),
    ]
    await world.lane.process([first, second])
    assert broken == ["c1", "c2"]
    assert store.strikes == {}
    assert store.next_offsets[world.id] == 2


async def _undisturbed(store: Mixed, lane: Lane, record: Fetched) -> None:
    waiting, store.meanwhile = store.meanwhile, []
    await lane.process([record])
    store.meanwhile = waiting


def _with(rules: Any, decide: Any) -> Any:
    fields = {name: getattr(rules, name) for name in rules.__struct_fields__}
    return type(rules)(**{**fields, "decide": decide})


async def test_a_rule_that_breaks_on_a_forged_table_is_asked_again_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.tables.rows[PENDING] = Versioned(-5, 3)
    rules = RULES[world.id.topic]

    def decide(draft: Any, command: Any) -> None:
        if draft.get(PENDING) == -5:
            raise AssertionError("pending money below zero")
        rules.decide(draft, command)

    monkeypatch.setattr(world.lane, "_rules", _with(rules, decide))
    await world.lane.process([world.payment(1)])
    assert world.store.strikes == {}
    assert dict(world.lane.stats.outcomes) == {"applied": 1}


def lanes_of(world: World) -> Lanes:
    return Lanes({world.id.topic: RULES[world.id.topic]}, world.deps)


def a_clock(world: World) -> list[float]:
    """A monotonic clock of the world that goes where the test sends it."""
    now = [0.0]
    fields = {name: getattr(world.deps, name) for name in world.deps.__struct_fields__}
    world.deps = type(world.deps)(**{**fields, "monotonic": lambda: now[0]})
    return now


async def test_a_lane_ahead_of_a_restored_database_goes_back_to_it() -> None:
    world = World()
    now = a_clock(world)
    lanes = lanes_of(world)
    await lanes.assign([world.id])
    await lanes[world.id].process([world.payment(1), world.payment(2)])
    await lanes[world.id].settle()
    vars(world.store).update({n: v for n, v in vars(MemoryStore()).items() if n != "clock"})
    watchdog = Watchdog(lanes, world.deps, WatchdogSettings(tail_seconds=1, adopt_seconds=0))
    await watchdog.look()
    now[0] = 2.0
    await watchdog.look()
    await asyncio.gather(*watchdog._working.values())
    assert await world.position() == 2
    assert len(world.store.transactions) == 2


class NoLease(MemoryStore):
    async def adopt(self, lane: LaneId, worker_id: str, seconds: float) -> bool:
        raise Transient("the database is away")


async def test_a_lease_that_meets_a_fault_fails_no_task() -> None:
    world = World(NoLease())
    now = a_clock(world)
    world.payment(1)
    watchdog = Watchdog(lanes_of(world), world.deps, WatchdogSettings(adopt_seconds=1))
    await watchdog.look()
    now[0] = 2.0
    await watchdog.look()
    tasks = list(watchdog._working.values())
    assert tasks
    await asyncio.gather(*tasks)
