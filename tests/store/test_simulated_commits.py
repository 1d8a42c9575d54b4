"""What simulated lanes committed in memory, PostgreSQL takes as well and holds the same; `verify` agrees.

So the two stores are compared on what lanes really write, and `verify` on books that are known to be right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.state import Ref
from app.store.api import Commit, LaneId, Versioned
from app.store.postgres import PostgresStore
from app.store.verify import verify
from tests.simulation.plant import Plant
from tests.simulation.schedule import quiet, run_schedule
from tests.simulation.store import SimulatedStore
from tests.support.memory_store import address

ALWAYS_WRITTEN = {"platform", "merchant", "payment", "account", "claim", "timer", "item", "mismatch"}
"""Kinds of rows that every schedule has; how many of each depends on what the generator draws."""


class Recording(SimulatedStore):
    """Keeps what it took, in order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.taken: list[Commit] = []

    def apply(self, commit: Commit) -> None:
        super().apply(commit)
        self.taken.append(commit)


@pytest.fixture(params=[1, 2, 3, 4])
def memory(request: pytest.FixtureRequest) -> Recording:
    """The store at the end of one schedule. Not a coroutine: the simulator brings a loop of its own."""
    made: list[Recording] = []

    def make(clock: Callable[[], float]) -> Recording:
        made.append(Recording(clock))
        return made[0]

    with quiet():
        result = run_schedule(request.param, plant=Plant("recording", store=make))
    assert result.problems == []
    return made[0]


async def test_both_stores_end_with_the_same_rows(memory: Recording, database: str, pool: Any) -> None:
    store = PostgresStore(pool)
    await store.positions(list(memory.next_offsets))
    for commit in memory.taken:
        await store.commit(commit)
    await _compare_rows(memory, store)
    await _compare_logs(memory, store, pool)
    for full in (False, True):
        report = await verify(database, full=full)
        assert [check.problems for check in report.checks] == [[]] * len(report.checks)


async def _compare_rows(memory: Recording, store: PostgresStore) -> None:
    """Every row that any commit spoke of, those that are gone included."""
    refs: dict[LaneId, set[Ref]] = defaultdict(set)
    for commit in memory.taken:
        refs[commit.lane].update(commit.state, commit.reads)
    assert {ref.kind for wanted in refs.values() for ref in wanted} >= ALWAYS_WRITTEN
    for lane, wanted in refs.items():
        expected: dict[Ref, Versioned] = await memory.load(lane, wanted)
        assert await store.load(lane, wanted) == expected
        assert all(memory.rows.get(address(lane, ref)) == row for ref, row in expected.items())


async def _compare_logs(memory: Recording, store: PostgresStore, pool: Any) -> None:
    lanes = list(memory.next_offsets)
    positions = await store.positions(lanes)
    assert {lane: position.next_offset for lane, position in positions.items()} == memory.next_offsets
    for lane in lanes:
        ids = [(key, id_) for topic, key, id_ in memory.record_keys if topic == lane.topic]
        assert await store.known_ids(lane, ids) == await memory.known_ids(lane, ids)
    rows = await pool.fetch('SELECT topic, partition, "offset", reason, payload, key FROM dead_letters')
    buried = {(LaneId(row[0], row[1]), row[2]): tuple(row)[2:] for row in rows}
    assert buried == {place: tuple(letter) for place, letter in memory.dead_letters.items()}
    entries = await pool.fetch("SELECT transaction_id, count(*) AS n FROM ledger_entries GROUP BY 1")
    posted = {id_: len(transaction.entries) for id_, transaction in memory.transactions.items()}
    assert {row["transaction_id"]: row["n"] for row in entries} == posted
    assert posted
