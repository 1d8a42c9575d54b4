"""The stream behind the live page: complete from the start, changes once, and a clean end."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web
from web import live
from web.deps import DEPS
from web.live import LiveHub


class Events:
    """Reads server-sent events; keeps the page's state as a browser would."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self.fragments: dict[str, str] = {}
        self.rows: list[str] = []
        self.names: list[str] = []

    async def next(self) -> str:
        name = ""
        while True:
            line = (await asyncio.wait_for(self._response.content.readline(), 10)).decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                self._take(name, msgspec.json.decode(line[6:]))
                return name

    def _take(self, name: str, data: Any) -> None:
        self.names.append(name)
        if name == "fragments":
            self.fragments |= data["html"]
        elif name == "mismatches":
            self.rows += data

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await self.next()


def hub(web: Web) -> LiveHub:
    live_hub: LiveHub = web.client.app[DEPS].live
    return live_hub


async def test_a_view_starts_complete_and_gets_each_change_once(web: Web) -> None:
    await rows.mismatch(web.pool, "first")
    async with web.client.get("/live") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = Events(response)
        await events.until(lambda: set(events.fragments) == {"tiles", "books", "lanes", "workers"})
        await events.until(lambda: any('id="mismatch-first"' in row for row in events.rows))
        await rows.mismatch(web.pool, "second", merchant_id="<script>alert(1)</script>")
        await events.until(lambda: any('id="mismatch-second"' in row for row in events.rows))
        assert "<script>" not in events.rows[-1]
        await web.pool.execute("UPDATE mismatches SET status = 'auto_resolved' WHERE id = 'first'")
        await events.until(lambda: "Auto resolved" in events.rows[-1])
        assert sum('id="mismatch-second"' in row for row in events.rows) == 1


async def test_the_page_itself_takes_nothing_from_the_views(web: Web) -> None:
    """Loading `/` renders a new row first; who watches must get it all the same."""
    async with web.client.get("/live") as response:
        events = Events(response)
        await events.until(lambda: "fragments" in events.names)
        await rows.mismatch(web.pool, "new")

        async def on_page() -> Any:
            async with web.client.get("/") as page:
                return 'id="mismatch-new"' in await page.text()

        await eventually(on_page, 5, "the row on the page")
        await events.until(lambda: any('id="mismatch-new"' in row for row in events.rows))


async def test_views_share_one_look_at_the_database(web: Web) -> None:
    calls = 0
    snapshots = web.client.app[DEPS].snapshots
    take = snapshots._take

    async def counted() -> Any:
        nonlocal calls
        calls += 1
        return await take()

    snapshots._take = counted
    responses = [await web.client.get("/live") for _ in range(30)]
    began = asyncio.get_running_loop().time()
    for response in responses:
        events = Events(response)
        await events.until(lambda events=events: events.names.count("fragments") >= 3)
    elapsed = asyncio.get_running_loop().time() - began
    assert calls <= elapsed / live.WATCHED_EVERY_SECONDS + 3
    for response in responses:
        response.close()
    await eventually(lambda: hub(web).views == 0, 10, "the views to be noticed as gone")


async def test_too_many_views_are_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_VIEWS", 1)
    async with web.client.get("/live") as response:
        assert response.status == 200
        status, problem = await web.get("/live")
        assert (status, problem["code"]) == (503, "too_many_streams")


async def test_a_view_that_does_not_read_is_closed_and_does_not_hold_up_others() -> None:
    views = LiveHub(None)  # type: ignore[arg-type]
    with views.view() as slow, views.view() as quick:
        for number in range(live.QUEUE_LENGTH + 1):
            views._send(live.event("n", number))
            assert await quick.get() == live.event("n", number)
        assert views.views == 1
        assert await slow.get() is None


async def test_trouble_is_said_and_passes(web: Web) -> None:
    snapshots = web.client.app[DEPS].snapshots
    take = snapshots._take

    async def fail() -> Any:
        raise ConnectionRefusedError("no database")

    async with web.client.get("/live") as response:
        events = Events(response)
        await events.until(lambda: "fragments" in events.names)
        snapshots._take = fail
        await events.until(lambda: events.names[-1] == "trouble")
        snapshots._take = take
        await events.until(lambda: events.names[-1] == "fragments")


async def test_stopping_ends_the_views(web: Web) -> None:
    async with web.client.get("/live") as response:
        events = Events(response)
        await events.until(lambda: "fragments" in events.names)
        hub(web).stop()
        await asyncio.wait_for(response.content.read(), 5)
        assert response.content.at_eof()
    assert (await web.get("/live"))[0] == 503
