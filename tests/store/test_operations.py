"""What operators see and do: partitions, dead letters, workers' rows, how quickly a mismatch was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.errors import ConfigurationError
from app.store.api import DeadLetterRow, LaneId, Position
from app.store.dead_letters import find_dead_letter, list_dead_letters, mark_redriven
from app.store.partitions import list_partitions, resume
from app.store.postgres import PostgresStore
from app.store.workers import WorkerRows
from tests.support.commits import LANE, MATCHING, MISMATCH, NOW, change, commit, mismatch

pytestmark = pytest.mark.asyncio(loop_scope="module")

BURIED = DeadLetterRow(0, "amount is missing", b"\x00{}\xff", b"m-1")


class Beat:
    worker_id = "w-1"
    host = "here"
    pid = 7
    started_at = NOW
    rss_bytes = 1 << 33

    def __init__(self, lanes: list[str]) -> None:
        self.lanes = lanes
        self.figures: dict[str, dict[str, Any]] = {lane: {"last_fault": "odd \x00"} for lane in lanes}


@pytest_asyncio.fixture(loop_scope="module")
async def store(books: Any) -> PostgresStore:
    store = PostgresStore(books)
    await store.positions([LANE, MATCHING])
    return store


async def test_a_halt_is_lifted_once_and_strikes_begin_anew(books: Any, store: PostgresStore) -> None:
    for _ in range(3):
        await store.strike(LANE, 0, "broken")
    rows = await list_partitions(books)
    assert [(row.topic, row.halted_reason is not None, row.strikes) for row in rows] == [
        (LANE.topic, True, 3),
        (MATCHING.topic, False, 0),
    ]
    assert "broken" in await resume(books, LANE)
    assert await store.position(LANE) == Position(0, None)
    assert await store.strike(LANE, 0, "broken again") == 1
    with pytest.raises(ConfigurationError, match=r"payments\.commands:3 is not halted"):
        await resume(books, LANE)
    with pytest.raises(ConfigurationError):
        await resume(books, LaneId("no.such", 0))


async def test_a_dead_letter_is_found_as_it_came(books: Any, store: PostgresStore) -> None:
    await store.commit(commit(0, counts={"dead_letter": 1}, keys=[], dead_letters=[BURIED]))
    (listed,) = await list_dead_letters(books)
    found = await find_dead_letter(books, "payments.commands:3:0")
    assert listed == found
    assert (found.reason, found.payload, found.key, found.status) == (*BURIED[1:], "new")
    assert await list_dead_letters(books, topic="other") == []
    await mark_redriven(books, found.id)
    assert await list_dead_letters(books) == []
    (again,) = await list_dead_letters(books, status=None)
    assert again.status == "redriven"
    assert again.redriven_at is not None
    with pytest.raises(ConfigurationError, match="nowhere:1:2"):
        await find_dead_letter(books, "nowhere:1:2")


async def test_a_workers_row_is_renewed_and_removed(books: Any) -> None:
    workers = WorkerRows(books)
    await workers.write(Beat([]))
    await workers.write(Beat(["payments.commands:3"]))
    row = await books.fetchrow("SELECT * FROM workers")
    assert (row["worker_id"], row["lanes"], row["rss_bytes"]) == ("w-1", ["payments.commands:3"], 1 << 33)
    assert datetime.now(UTC) - row["seen_at"] < timedelta(minutes=1)
    await workers.remove("w-1")
    assert await books.fetchval("SELECT count(*) FROM workers") == 0


async def detected(books: Any) -> int | None:
    value = await books.fetchval("SELECT detected_after_ms FROM mismatches")
    return None if value is None else int(value)


async def test_time_to_detect_runs_from_the_append_to_the_commit(books: Any, store: PostgresStore) -> None:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    opened = {MISMATCH: change(mismatch(), 0)}
    await store.commit(commit(0, lane=MATCHING, state=opened, append_ms={"mm_1": now_ms - 5000}))
    first = await detected(books)
    assert first is not None
    assert 4_000 < first < 60_000
    changed = {MISMATCH: change(mismatch("assigned"), 1, 0)}
    await store.commit(commit(1, lane=MATCHING, state=changed, append_ms={"mm_1": now_ms}))
    assert await detected(books) == first
    again = {MISMATCH: change(mismatch(detected_at=NOW + timedelta(hours=1)), 2, 1)}
    await store.commit(commit(2, lane=MATCHING, state=again, append_ms={"mm_1": now_ms - 3_600_000}))
    assert (await detected(books) or 0) >= 3_600_000


async def test_a_clock_that_is_ahead_gives_no_negative_time(books: Any, store: PostgresStore) -> None:
    future = int(datetime.now(UTC).timestamp() * 1000) + 1_000_000
    state = {MISMATCH: change(mismatch(), 0)}
    await store.commit(commit(0, lane=MATCHING, state=state, append_ms={"mm_1": future}))
    assert await detected(books) == 0
