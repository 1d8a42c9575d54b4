"""The list of events in PostgreSQL: each once, in one statement with its position."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.errors import BadData, Moved
from app.store.events import EventRow, EventRows
from app.store.pool import open_pool
from tests.support.commits import NOW


def event(number: int, **changed: Any) -> EventRow:
    row = EventRow(
        f"pc.0.{number}.0", "m-1", "payment/pay-1", number, "payment.captured", "pay-1", NOW, NOW, number,
        f'{{"n":{number},"nul":"\\u0000"}}',
    )  # fmt: skip
    return row._replace(**changed)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await open_pool(database, 4, "tests")
    yield pool
    await pool.close()


async def kept(pool: Any) -> list[tuple[str, int]]:
    return [
        tuple(row) for row in await pool.fetch('SELECT id, "offset" FROM events ORDER BY partition, "offset"')
    ]


async def test_a_batch_moves_the_position_and_a_repeated_event_is_kept_once(pool: Any) -> None:
    rows = EventRows(pool)
    assert await rows.positions([0, 3]) == {0: 0, 3: 0}
    assert await rows.add(3, 0, 2, [event(0), event(1)]) == 2
    assert await rows.add(3, 2, 5, [event(1, offset=2), event(4), event(4)]) == 1
    assert await rows.positions([0, 3]) == {0: 0, 3: 5}
    assert await kept(pool) == [("pc.0.0.0", 0), ("pc.0.1.0", 1), ("pc.0.4.0", 4)]
    assert await pool.fetchval("SELECT body::text FROM events WHERE seq = 4") == event(4).body


async def test_who_stands_elsewhere_keeps_nothing(pool: Any) -> None:
    rows = EventRows(pool)
    await rows.positions([0])
    await rows.add(0, 0, 2, [event(0), event(1)])
    for first in (0, 1, 3):
        with pytest.raises(Moved):
            await rows.add(0, first, 9, [event(8)])
    assert len(await kept(pool)) == 2


async def test_of_several_at_once_one_succeeds(pool: Any) -> None:
    rows = EventRows(pool)
    await rows.positions([0])
    tries = [rows.add(0, 0, 1 + n, [event(place) for place in range(1 + n)]) for n in range(8)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(end, Moved) for end in ends) == 7
    (added,) = [end for end in ends if isinstance(end, int)]
    assert len(await kept(pool)) == added == (await rows.positions([0]))[0]


async def test_a_value_that_the_database_refuses_moves_nothing(pool: Any) -> None:
    rows = EventRows(pool)
    await rows.positions([0])
    for wrong in (event(0, type="a\x00b"), event(0, body="no json"), event(0, seq=2**63)):
        with pytest.raises(BadData):
            await rows.add(0, 0, 1, [wrong])
    assert await rows.positions([0]) == {0: 0}


async def test_what_is_lost_is_counted(pool: Any) -> None:
    rows = EventRows(pool)
    await rows.positions([0])
    await rows.add(0, 0, 40, [], lost=40)
    await rows.add(0, 40, 42, [event(40)], lost=1)
    assert await pool.fetchval("SELECT lost FROM event_positions") == 41
