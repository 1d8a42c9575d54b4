"""Every route × every caller × own and foreign rows, against a web process: the table says who is let in."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar

from app.settings import ROOT
from app.store.web_keys import add_key
from tests.support.waiting import free_port
from tests.web.authorisation import CALLERS, OBJECTS, STAFF, Ids, Route, expected, fill, routes
from tests.web.signing_in import TOKEN
from tests.web.test_process import SECRET, environment
from web.keys import KeyHasher, make_key

HTML = {"Accept": "text/html,*/*"}
REFUSED = (401, 403)
PLACE = re.compile(r"{(\w+)}")
LAST = ("POST", "/logout")


class Callers:
    """The same process, as each kind of caller sees it. Sessions begin at the sandbox's provider."""

    def __init__(self, url: str, http: dict[str, ClientSession], tokens: dict[str, str]) -> None:
        self.url, self.http, self.tokens = url, http, tokens

    async def ask(self, caller: str, route: Route, ids: Ids | None = None, **more: Any) -> tuple[int, str]:
        """Status and, for what ends by itself, the text. Nothing that is sent can do anything."""
        method, path = route
        filled = PLACE.sub(lambda found: (ids.own if ids else {}).get(found[1], "none"), path)
        headers = {**HTML, **more.pop("headers", self._headers(caller, method))}
        async with self.http[caller].request(
            method, self.url + filled, headers=headers, allow_redirects=False, **more
        ) as response:
            if response.content_type == "text/event-stream":
                return response.status, ""
            if response.status == 303:
                return response.status, response.headers["Location"]
            return response.status, (await response.read()).decode(errors="replace")

    def _headers(self, caller: str, method: str) -> dict[str, str]:
        if method == "GET" or caller not in self.tokens:
            return {}
        return {"X-CSRF-Token": self.tokens[caller], "Origin": self.url}


@asynccontextmanager
async def program(database: str, *verb: str, **more: str) -> AsyncIterator[list[str]]:
    """A verb that runs; what it said when it was ready: its address last in the first line."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", *verb, env=environment(database, **more), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert started.stdout is not None
    try:
        lines = [(await asyncio.wait_for(started.stdout.readline(), 60)).decode().strip()]
        if verb == ("sandbox-login", "--port", "0"):
            lines += [(await started.stdout.readline()).decode().strip() for _ in range(3)]
        yield lines
    finally:
        started.terminate()
        await started.communicate()


@pytest.fixture
async def callers(database: str, pool: Any) -> AsyncIterator[Callers]:
    await fill(pool)
    async with AsyncExitStack() as stack:
        login = await stack.enter_async_context(program(database, "sandbox-login", "--port", "0"))
        given = dict(line.split("=", 1) for line in login[1:])
        port = str(free_port())
        await stack.enter_async_context(program(database, "web", **{**given, "TALLYSTICK_WEB_PORT": port}))
        url = f"http://127.0.0.1:{port}"
        http = {name: await stack.enter_async_context(client) for name, client in (await _keys(pool)).items()}
        tokens = {}
        for role in STAFF:
            jar = CookieJar(unsafe=True)
            http[f"{role}'s session"] = await stack.enter_async_context(ClientSession(cookie_jar=jar))
            tokens[f"{role}'s session"] = await sign_in(http[f"{role}'s session"], url, role)
        yield Callers(url, http, tokens)


async def _keys(pool: Any) -> dict[str, ClientSession]:
    hasher, found = KeyHasher([SECRET]), {"anyone": ClientSession()}
    for role in sorted(CALLERS - {"anyone"}):
        key = make_key()
        await add_key(pool, key.id, hasher.hash(key.token), role, "m-1" if role == "merchant" else None)
        found[role] = ClientSession(headers={"Authorization": f"Bearer {key.token}"})
    return found


async def sign_in(browser: ClientSession, url: str, role: str) -> str:
    """The token of the pages of a new session."""
    async with browser.get(f"{url}/login/start", allow_redirects=False) as response:
        there = response.headers["Location"]
    async with browser.get(f"{there}&login_hint={role}") as response:
        assert str(response.url) == f"{url}/", await response.text()
    async with browser.get(f"{url}/mismatches") as response:
        found = TOKEN.search(await response.text())
    assert found
    return found[1]


def ordered() -> list[tuple[Route, frozenset[str]]]:
    """Signing out comes last."""
    return sorted(expected().items(), key=lambda one: one[0] == LAST)


def test_every_route_has_its_line_and_every_line_its_route() -> None:
    assert set(expected()) == set(routes())


def test_every_path_that_merchants_read_by_id_names_its_objects() -> None:
    theirs = {
        path for (method, path), let_in in expected().items() if method == "GET" and "merchant" in let_in
    }
    assert {path for path in theirs if PLACE.search(path)} == set(OBJECTS)


async def test_the_table_holds(callers: Callers) -> None:
    wrong = []
    for route, let_in in ordered():
        for caller in callers.http:
            role = caller.partition("'")[0]
            status, text = await callers.ask(caller, route)
            led_away = status == 303 and text.startswith("/login")
            is_in = not led_away and (status not in REFUSED or route[1].startswith(("/webhooks", "/login")))
            if route == LAST and status == 303:
                is_in = True
            if is_in != bool({role, "anyone"} & let_in):
                wrong.append((caller, *route, status, text[:120]))
    assert wrong == []


async def test_no_session_does_anything_without_the_pages_token(callers: Callers) -> None:
    """Every unsafe route that a cookie could authenticate, from our own origin and from another one."""
    wrong = []
    for route, let_in in ordered():
        if route[0] == "GET" or "anyone" in let_in:
            continue
        for role in STAFF:
            caller = f"{role}'s session"
            token = {"X-CSRF-Token": callers.tokens[caller]}
            for headers in ({"Origin": callers.url}, token, {**token, "Origin": "https://evil.example"}):
                status, text = await callers.ask(caller, route, headers=headers)
                if status != 403 or not ("csrf_refused" in text or "forbidden" in text):
                    wrong.append((caller, *route, headers, status, text[:120]))
                if role in let_in and "csrf_refused" not in text:
                    wrong.append((caller, *route, headers, status, text[:120]))
    assert wrong == []


async def test_a_merchant_sees_its_own_and_no_sign_of_others(callers: Callers) -> None:
    for (method, path), let_in in expected().items():
        if method != "GET" or "merchant" not in let_in or path.endswith("/stream"):
            continue
        ids = OBJECTS.get(path)
        status, text = await callers.ask("merchant", (method, path), ids)
        assert status == 200, (path, text)
        assert "foreign" not in text, path
        for query in ({}, {"merchant_id": "m-foreign"}):
            wanted = Ids(ids.foreign, ids.own) if ids else None
            status, text = await callers.ask("merchant", (method, path), wanted, params=query)
            if ids:
                assert status in (403, 404, 422), (path, query, text)
            else:
                assert status in (200, 403, 422), (path, query, text)
                assert "foreign" not in text.replace("m-foreign", "") or status != 200, path
