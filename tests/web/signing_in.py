"""A web process's application where people sign in, with the sandbox's provider beside it; for tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer

from app.oidc_settings import OidcSettings
from app.sandbox_login import server
from app.sandbox_login.provider import CLIENT_ID, Provider
from tests.web.conftest import SECRET
from web.application import build
from web.keys import KeyHasher
from web.people import People

CLIENT_SECRET = "the sandbox's secret of the tests"
TOKEN = re.compile(r'<meta name="csrf-token" content="([0-9a-f]{64})">')


class Staff:
    """`url`: of the web, without a slash at its end. `provider`: what tests make misbehave."""

    def __init__(self, url: str, provider: Provider, people: People, pool: Any) -> None:
        self.url, self.provider, self.people, self.pool = url, provider, people, pool

    def browser(self) -> ClientSession:
        """Cookies as a browser keeps them; its address is an IP, hence the unsafe jar."""
        return ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def to_provider(self, browser: ClientSession, query: str = "") -> str:
        """Where `/login/start` sends a browser."""
        async with browser.get(f"{self.url}/login/start{query}", allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            return response.headers["Location"]

    async def back(self, browser: ClientSession, url: str, account: str) -> str:
        """Where the provider sends them back to, once they chose who they are."""
        async with browser.get(f"{url}&login_hint={account}", allow_redirects=False) as response:
            return response.headers["Location"]

    async def arrive(self, browser: ClientSession, url: str) -> tuple[int, str, str]:
        """(status, Location, text) of our callback."""
        async with browser.get(url, allow_redirects=False) as response:
            return response.status, response.headers.get("Location", ""), await response.text()

    async def sign_in(self, browser: ClientSession, account: str, query: str = "") -> tuple[int, str, str]:
        there = await self.to_provider(browser, query)
        return await self.arrive(browser, await self.back(browser, there, account))

    async def get(self, browser: ClientSession, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of a page as a person opens it, without following redirects."""
        wanted = {"Accept": "text/html", **headers}
        async with browser.get(f"{self.url}{path}", headers=wanted, allow_redirects=False) as response:
            return response.status, response.headers.get("Location") or await response.text()

    async def csrf_token(self, browser: ClientSession) -> str:
        _, text = await self.get(browser, "/mismatches")
        found = TOKEN.search(text)
        assert found, text[:500]
        return found[1]

    async def sign_out(self, browser: ClientSession, **headers: str) -> ClientResponse:
        form = {"csrf_token": await self.csrf_token(browser)}
        return await browser.post(
            f"{self.url}/logout", data=form, headers={"Origin": self.url, **headers}, allow_redirects=False
        )


@asynccontextmanager
async def staff(pool: Any, provider: Provider | None = None, **settings: Any) -> AsyncIterator[Staff]:
    provider = provider or Provider(CLIENT_SECRET)
    login = TestServer(server.build(provider))
    await login.start_server()
    provider.issuer = str(login.make_url("")).rstrip("/")
    asked: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    hasher = KeyHasher([SECRET])
    people = People(OidcSettings(**{**asked, **settings}), pool, hasher, "http://127.0.0.1")
    ours = TestServer(build(pool, hasher, reader=None, pages_open=True, people=people))
    await ours.start_server()
    people.public_url = str(ours.make_url("")).rstrip("/")
    try:
        yield Staff(people.public_url, provider, people, pool)
    finally:
        await ours.close()
        await login.close()


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
