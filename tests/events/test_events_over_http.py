"""From facts on the log to `GET /v1/events`, through real workers that die in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.domain.streams import PAYMENTS_EVENTS
from app.kafka.reader import RangeReader
from app.store.web_keys import add_key
from tests.effects.asking import PLATFORM
from tests.effects.telling import WITHIN_SECONDS, document, tell
from tests.effects.workers import Workers
from tests.support.facts import MERCHANT, capture_fact, refund_fact
from tests.support.live import PARTITIONS, Live
from tests.support.waiting import eventually
from web.application import build
from web.keys import KeyHasher, make_key

pytestmark = [pytest.mark.stack, pytest.mark.slow]
PAYMENTS = 300


@pytest.fixture
async def client(live: Live) -> AsyncIterator[Any]:
    """With the merchant's key."""
    hasher, key = KeyHasher(["a secret of the tests, long enough to be one"]), make_key()
    await add_key(live.pool, key.id, hasher.hash(key.token), "merchant", MERCHANT)
    server = TestServer(build(live.pool, hasher, reader=None, pages_open=False))
    async with TestClient(server, headers={"Authorization": f"Bearer {key.token}"}) as client:
        yield client


async def tell_of(live: Live, numbers: range) -> None:
    for number in numbers:
        payment = f"pay-{number}"
        await tell(
            live,
            document(capture_fact(payment, payment, 1_000, command_id=f"c{number}")),
            document(refund_fact(payment, f"r-{number}", 10, command_id=f"r{number}")),
            document(refund_fact(payment, f"s-{number}", 20, command_id=f"s{number}")),
        )


async def logged(live: Live) -> dict[str, str]:
    """Id -> JSON of every event in the log, however often it is there."""
    reader, found = RangeReader(live.kafka, client_id="tests"), dict[str, str]()
    try:
        partitions = [(PAYMENTS_EVENTS, number) for number in range(PARTITIONS)]
        for (topic, partition), end in (await reader.end_offsets(partitions)).items():
            records, _ = await reader.read(topic, partition, 0, end, max_records=100_000)
            for record in records:
                found[document_id(record.value)] = record.value.decode()
    finally:
        await reader.stop()
    return found


def document_id(value: bytes) -> str:
    name: str = msgspec.json.decode(value)["id"]
    return name


async def pages(client: Any, path: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        async with client.get(f"{path}?limit=400{cursor}") as response:
            assert response.status == 200, await response.text()
            page = await response.json()
        found += page["items"]
        if not page["has_more"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_every_event_is_listed_once_and_in_order_though_workers_die(
    live: Live, workers: Workers, client: Any
) -> None:
    live.configure(PLATFORM)
    workers.start()

    async def kept() -> int:
        count: int = await live.pool.fetchval("SELECT count(*) FROM events")
        return count

    await tell_of(live, range(PAYMENTS))
    await eventually(kept, WITHIN_SECONDS, "the first events")
    workers.kill()
    await tell_of(live, range(PAYMENTS, PAYMENTS + 50))
    workers.start("two")
    await live.rest()
    expected = await logged(live)

    async def all_kept() -> bool:
        return await kept() == len(expected)

    await eventually(all_kept, WITHIN_SECONDS, "all events of the log")
    workers.stop("two")
    listed = await pages(client, "/v1/events")
    assert len(listed) == len(expected) >= 3 * (PAYMENTS + 50)
    assert {one["id"] for one in listed} == set(expected)
    moments = [one["created_at"] for one in listed]
    assert moments == sorted(moments, reverse=True)
    stored = dict(await live.pool.fetch("SELECT id, body::text FROM events"))
    assert stored == expected
    for number in range(PAYMENTS + 50):
        events = await pages(client, f"/v1/payments/pay-{number}/events")
        assert [one["sequence"] for one in events] == list(range(1, len(events) + 1))
        assert [one["type"] for one in events].count("refund.recorded") == 2
    assert await live.pool.fetchval("SELECT sum(lost) FROM event_positions") == 0
    assert "critical" not in workers.log("two").lower()


async def test_switched_off_it_writes_nothing(live: Live, workers: Workers) -> None:
    workers.start(TALLYSTICK_EVENTS_LIST="off")
    await tell(live, document(capture_fact("pay-1", "pay-1", 1_000, command_id="c")))
    await live.rest()
    workers.stop()
    assert await live.pool.fetchval("SELECT count(*) FROM event_positions") == 0
    assert len(await logged(live)) >= 1
