"""Where endpoints are now: read again every few seconds, once for all who ask, and kept through outages."""

from __future__ import annotations

import asyncio

import pytest

from app.domain.webhook_endpoint import WebhookEndpoint
from app.effects import endpoints
from app.effects.endpoints import KEPT_SECONDS, READS_AT_ONCE, CurrentEndpoints
from app.errors import Transient
from tests.support.deliveries import NOW


class Store:
    """`url` is what every merchant's endpoint `we_1` has now; None: the database is away."""

    def __init__(self) -> None:
        self.url: str | None = "https://one.example/"
        self.clock = 0.0
        self.reads: list[str] = []
        self.reading = self.most_reading = 0
        self.current = CurrentEndpoints(self.load, lambda: self.clock)

    async def load(self, merchant_id: str) -> tuple[WebhookEndpoint, ...]:
        self.reads.append(merchant_id)
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        if self.url is None:
            raise Transient("the database is away")
        return (WebhookEndpoint(id="we_1", url=self.url, created_at=NOW, version=1),)

    async def url_now(self, merchant_id: str = "m-1") -> str | None:
        found = await self.current.find(merchant_id, "we_1")
        return found.url if found else None


async def test_it_is_read_again_when_it_is_old() -> None:
    store = Store()
    assert [await store.url_now() for _ in range(3)] == ["https://one.example/"] * 3
    store.url = "https://two.example/"
    store.clock = KEPT_SECONDS - 0.1
    assert await store.url_now() == "https://one.example/"
    store.clock = KEPT_SECONDS
    assert await store.url_now() == "https://two.example/"
    assert len(store.reads) == 2


async def test_who_asks_at_once_is_answered_by_one_read_and_few_run_together() -> None:
    store = Store()
    merchants = [f"m-{number % 20}" for number in range(200)]
    await asyncio.gather(*(store.url_now(merchant) for merchant in merchants))
    assert sorted(store.reads) == sorted(set(merchants))
    assert store.most_reading == READS_AT_ONCE


async def test_while_the_database_is_away_what_is_known_holds() -> None:
    store = Store()
    await store.url_now()
    store.url, store.clock = None, 100.0
    assert await store.url_now() == "https://one.example/"
    assert await store.url_now("m-2") is None


async def test_one_who_is_cut_off_does_not_take_the_read_from_others() -> None:
    store = Store()
    first, second = asyncio.create_task(store.url_now()), asyncio.create_task(store.url_now())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "https://one.example/"
    assert store.reads == ["m-1"]


async def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_KEPT", 3)
    store = Store()
    for number in range(10):
        await store.url_now(f"m-{number}")
    assert len(store.current._kept) == 3
    store.reads.clear()
    await store.url_now("m-9")
    assert store.reads == []
