"""What the demo reads from the database, on a real one, after commits as lanes make them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.state import Ref
from app.store.api import DeadLetterRow, KeyRow
from app.store.books import detection_ms, outcomes_of, read_books, read_progress
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.commits import (
    LANE,
    MATCHING,
    MISMATCH,
    PAYMENT,
    PAYOUT,
    TIMER,
    booked_capture,
    change,
    commit,
    mismatch,
    payment,
    payout,
    timer,
)

pytestmark = pytest.mark.stack


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await open_pool(database, 2, "tests")
    yield pool
    await pool.close()


async def test_an_empty_database_has_empty_books(pool: Any) -> None:
    books = await read_books(pool, "c-")
    assert (books.payments, books.captured, books.balances, books.open) == (0, {}, {}, frozenset())
    progress = await read_progress(pool, 60)
    assert (progress.positions, progress.outbox, progress.soon, progress.halted) == ({}, 0, 0, [])


async def test_books_are_what_lanes_committed(pool: Any) -> None:
    store = PostgresStore(pool)
    await store.positions([LANE, MATCHING])
    await store.commit(booked_capture())
    state = {PAYMENT: change(payment(), 1), PAYOUT: change(payout(), 1), TIMER: change(timer(), 1, -1)}
    keys = [
        KeyRow(1, "m-1", "c-1", b"1", "refused"),
        KeyRow(2, "m-1", "release/pay-1/1", b"2", "applied"),
    ]
    letters = [DeadLetterRow(3, "empty: the record has no value", b"")]
    counts = {"applied": 1, "refused": 1, "dead_letter": 1}
    await store.commit(commit(1, 3, state=state, keys=keys, counts=counts, dead_letters=letters))
    await store.commit(commit(0, lane=MATCHING, state={MISMATCH: change(mismatch(), 0)}))

    books = await read_books(pool, "c-")
    assert (books.payments, books.captured) == (1, {"EUR": 100})
    assert books.balances == {"psp_recv": {"EUR": 100}, "m_pend": {"EUR": 95}, "plat_fee": {"EUR": 5}}
    assert books.payouts == {payout().status: 1}
    assert books.kept == {"applied": 1, "refused": 1}
    assert (await read_books(pool, "release/")).kept == {"applied": 1}
    assert books.records[LANE.topic]["dead_letter"] == 1
    assert books.records[LANE.topic]["records"] == 4
    assert books.open == {("AMOUNT_UNDER", mismatch().owner_key)}
    progress = await read_progress(pool, 60)
    assert progress.positions == {str(LANE): 4, str(MATCHING): 1}
    assert (progress.soon, progress.open) == (1, {"AMOUNT_UNDER": 1})
    assert await outcomes_of(pool, LANE.topic, {("m-1", "c-1"), ("m-1", "c-8")}) == {
        ("m-1", "c-1"): "refused"
    }


async def test_a_resolved_mismatch_is_counted_apart(pool: Any) -> None:
    store = PostgresStore(pool)
    await store.positions([MATCHING])
    row = {Ref("mismatch", ("mm_1",)): change(mismatch(status="auto_resolved"), 0)}
    await store.commit(commit(0, lane=MATCHING, state=row))
    books = await read_books(pool, "c-")
    assert (books.open, books.resolved) == (frozenset(), {"AMOUNT_UNDER": 1})


async def test_the_time_to_detect_is_from_append_to_commit(pool: Any) -> None:
    store = PostgresStore(pool)
    await store.positions([MATCHING])
    a_second_ago = int((datetime.now(UTC) - timedelta(seconds=1)).timestamp() * 1000)
    found = mismatch(detected_at=datetime.now(UTC))
    row = {MISMATCH: change(found, 0)}
    await store.commit(commit(0, lane=MATCHING, state=row, append_ms={found.id: a_second_ago}))
    median, most = (await detection_ms(pool, found.detected_at - timedelta(seconds=1)))["AMOUNT_UNDER"]
    assert 1000 <= median == most < 60_000
    assert await detection_ms(pool, found.detected_at + timedelta(seconds=1)) == {}
