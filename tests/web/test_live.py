"""The stream behind the live page: complete from the start, changes once, and a clean end."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientResponse

from tests.support.waiting import eventually
from tests.web import rows
from tests.web.conftest import Web
from tests.web.events import Events
from web import live
from web.deps import DEPS
from web.live import LiveHub


class PageEvents(Events):
    """Keeps the page's state as a browser would."""

    def __init__(self, response: ClientResponse) -> None:
        super().__init__(response)
        self.fragments: dict[str, str] = {}
        self.rows: list[str] = []

    def take(self, name: str, data: Any) -> None:
        if name == "fragments":
            self.fragments |= data["html"]
        elif name == "rows":
            self.rows += data


def hub(web: Web) -> LiveHub:
    live_hub: LiveHub = web.client.app[DEPS].live
    return live_hub


async def test_a_view_starts_complete_and_gets_each_change_once(web: Web) -> None:
    await rows.news(web, "first")
    async with web.client.get("/live?after=0.0") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = PageEvents(response)
        await events.until(lambda: set(events.fragments) == {"tiles", "books", "lanes", "workers"})
        await events.until(lambda: any('id="mismatch-first"' in row for row in events.rows))
        await rows.news(web, "second", merchant_id="<script>alert(1)</script>")
        await events.until(lambda: any('id="mismatch-second"' in row for row in events.rows))
        assert "<script>" not in events.rows[-1]
        await rows.news(web, "first", "resolved", 2, status="auto_resolved")
        await events.until(lambda: "Auto resolved" in events.rows[-1])
        assert sum('id="mismatch-second"' in row for row in events.rows) == 1


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
        events = PageEvents(response)
        while events.names.count("fragments") < 3:
            await events.next()
    elapsed = asyncio.get_running_loop().time() - began
    assert calls <= elapsed / live.WATCHED_EVERY_SECONDS + 3
    for response in responses:
        response.close()
    await eventually(lambda: hub(web).views == 0, 10, "the views to be noticed as gone")


async def test_too_many_views_are_refused(web: Web) -> None:
    hub(web)._boxes._most = 1
    async with web.client.get("/live") as response:
        assert response.status == 200
        status, problem = await web.get("/live")
        assert (status, problem["code"]) == (503, "too_many_streams")


async def test_trouble_is_said_and_passes(web: Web) -> None:
    snapshots = web.client.app[DEPS].snapshots
    take = snapshots._take

    async def fail() -> Any:
        raise ConnectionRefusedError("no database")

    async with web.client.get("/live") as response:
        events = PageEvents(response)
        await events.until(lambda: "fragments" in events.names)
        snapshots._take = fail
        await events.until(lambda: events.names[-1] == "nofigures")
        snapshots._take = take
        await events.until(lambda: events.names[-1] == "fragments")


async def test_stopping_ends_the_views(web: Web) -> None:
    async with web.client.get("/live") as response:
        events = PageEvents(response)
        await events.until(lambda: "fragments" in events.names)
        hub(web).stop()
        web.client.app[DEPS].feed.stop()
        await asyncio.wait_for(response.content.read(), 5)
        assert response.content.at_eof()
    assert (await web.get("/live"))[0] == 503
