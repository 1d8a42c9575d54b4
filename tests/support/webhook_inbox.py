"""Somebody whom the sandbox PSP tells: takes webhooks over real HTTP, checks each, answers as it is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import repeat

from aiohttp import web

from app.domain.psp_facts import PspFact
from app.psp.adapter import EventIgnored
from app.psp.sandbox import ADAPTER, HEADERS
from tests.support.waiting import eventually
from tests.support.webhooks import SANDBOX_SECRET

KEYS = (ADAPTER.key(SANDBOX_SECRET),)


class Inbox:
    """`answers`: the status of each delivery in turn; 200 when they are used up."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: Iterator[int] = iter(())
        self.ids: list[str] = []
        """Of deliveries that were taken, in order, repeats too."""
        self.refused: list[str] = []
        self.facts: dict[str, PspFact] = {}
        self.times: dict[str, float] = {}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: request.headers[name] for name in HEADERS}
        assert ADAPTER.verify(headers, body, KEYS, time.time())
        status, notice_id = next(self.answers, 200), headers["webhook-id"]
        if status != 200:
            self.refused.append(notice_id)
            return web.Response(status=status)
        self.ids.append(notice_id)
        self.times.setdefault(notice_id, time.monotonic())
        self._read(headers, body)
        return web.Response()

    def _read(self, headers: dict[str, str], body: bytes) -> None:
        try:
            self.facts.update(ADAPTER.parse(headers, body))
        except EventIgnored:
            return

    @property
    def kinds(self) -> list[str]:
        return [fact.kind for fact in self.facts.values()]

    async def has(self, kind: str, count: int = 1) -> None:
        await eventually(lambda: self.kinds.count(kind) >= count, 10, f"{count} webhooks about {kind}")

    async def took(self, count: int) -> None:
        await eventually(lambda: len(self.ids) >= count, 10, f"{count} deliveries")

    def never_well(self, status: int = 503) -> None:
        self.answers = repeat(status)


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    box = Inbox()
    app = web.Application()
    app.add_routes([web.post("/webhooks/sandbox", box.take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        box.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/sandbox"
        yield box
    finally:
        await runner.cleanup()
