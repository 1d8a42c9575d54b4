"""Each key has a rate of its own, and is told how it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.errors import ConfigurationError
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.tail import FakeTail
from web.application import build
from web.keys import KeyHasher
from web.rate_limits import RateLimits


@pytest.fixture
async def web(pool: Any, ends: FakeEnds, tail: FakeTail) -> AsyncIterator[Web]:
    hasher = KeyHasher([SECRET])
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, rates=RateLimits("3 per 100 seconds"))
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


async def test_one_call_too_many_is_429_for_this_key_only(
    web: Web, viewer: dict[str, str], acme: dict[str, str]
) -> None:
    for left in (2, 1, 0):
        async with web.client.get("/v1/payments", headers=viewer) as response:
            assert response.status == 200
            assert response.headers["RateLimit-Policy"] == '"key";q=3;w=100'
            assert response.headers["RateLimit"].startswith(f'"key";r={left};t=')
    async with web.client.get("/v1/payments", headers=viewer) as response:
        assert (response.status, (await response.json(content_type=None))["code"]) == (429, "rate_limited")
        assert 1 <= int(response.headers["Retry-After"]) <= 200
        assert response.headers["RateLimit"].startswith('"key";r=0;t=')
    async with web.client.get("/v1/payments", headers=acme) as response:
        assert response.status == 200


async def test_a_422_tells_it_too_and_what_needs_no_key_has_no_rate(web: Web, viewer: dict[str, str]) -> None:
    async with web.client.get("/v1/payments?limit=0", headers=viewer) as response:
        assert (response.status, "RateLimit" in response.headers) == (422, True)
    async with web.client.get("/healthz") as response:
        assert (response.status, "RateLimit" in response.headers) == (200, False)


@pytest.mark.parametrize("rate", ["many", "10", "10 per fortnight", "-1 per second"])
def test_a_rate_that_cannot_be_read_names_its_variable(rate: str) -> None:
    with pytest.raises(ConfigurationError, match="TALLYSTICK_WEB_RATE_LIMIT"):
        RateLimits(rate)
