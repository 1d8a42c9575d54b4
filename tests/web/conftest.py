"""The web application on a fresh PostgreSQL, with an HTTP client and keys of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser, async_playwright

from app.store.pool import open_pool
from app.store.web_keys import add_key
from tests.web.browsers import ARGUMENTS, CHROMIUM
from tests.web.conforming import check_answer
from tests.web.tail import FakeTail
from web.application import build
from web.ingress import Ingress
from web.keys import KeyHasher, make_key

SECRET = "a secret of the tests, long enough to be one"
Client = TestClient[Any, Any]


class FakeEnds:
    """Kafka's end offsets as a test wants them; `failing` stands for a broker that is away."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, int], int] = {}
        self.failing = False

    async def end_offsets(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        if self.failing:
            raise ConnectionError("no broker")
        return {(topic, partition): self.ends.get((topic, partition), 0) for topic, partition in partitions}

    async def stop(self) -> None:
        self.failing = True


class Web:
    """What tests need: a client, the pool behind it, and headers for each kind of caller."""

    def __init__(self, client: Client, pool: Any, hasher: KeyHasher, ends: FakeEnds, tail: FakeTail) -> None:
        self.client, self.pool, self.hasher, self.ends, self.tail = client, pool, hasher, ends, tail

    async def key(self, role: str, merchant_id: str | None = None) -> dict[str, str]:
        """Headers of a new key."""
        key = make_key()
        await add_key(self.pool, key.id, self.hasher.hash(key.token), role, merchant_id)
        return {"Authorization": f"Bearer {key.token}"}

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """(status, decoded JSON body) of a GET; a 200 must be what the API's document says."""
        async with self.client.get(path, headers=headers) as response:
            answer = await response.json(content_type=None)
        if response.status == 200:
            check_answer(path, answer)
        return response.status, answer


@pytest.fixture
def ends() -> FakeEnds:
    return FakeEnds()


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await open_pool(database, 5, "tests")
    yield pool
    await pool.close()


@pytest.fixture
def tail() -> FakeTail:
    return FakeTail()


@pytest.fixture
def ingress() -> Ingress:
    """Takes no webhooks; tests of them have their own."""
    return Ingress()


@pytest.fixture
async def web(pool: Any, ends: FakeEnds, tail: FakeTail, ingress: Ingress) -> AsyncIterator[Web]:
    """Bound to loopback, so that the pages are open."""
    hasher = KeyHasher([SECRET])
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, ingress=ingress)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


@pytest.fixture
async def viewer(web: Web) -> dict[str, str]:
    return await web.key("viewer")


@pytest.fixture
async def acme(web: Web) -> dict[str, str]:
    """A key of the merchant `m-1`."""
    return await web.key("merchant", "m-1")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()
