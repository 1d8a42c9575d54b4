"""A merchant's server for tests: keeps what was posted to it and answers as it is told, per path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

from aiohttp import web


class Hit(NamedTuple):
    """One request as it came."""

    path: str
    webhook_id: str
    headers: Mapping[str, str]
    body: str
    at: float


class Receiver:
    """`answers[path]`: status codes for the next requests of that path, then 200. -1 hangs until the end."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.answers: dict[str, list[int]] = {}
        self.headers: dict[str, str] = {}
        self.url = ""
        self._over = asyncio.Event()

    def at(self, path: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.path == path]

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        hit = Hit(request.path, headers.get("webhook-id", ""), headers, await request.text(), monotonic())
        self.hits.append(hit)
        told = self.answers.get(request.path) or [200]
        status = told.pop(0) if len(told) > 1 or told[0] != -1 else told[0]
        if status == -1:
            await self._over.wait()
        return web.Response(status=status, headers=self.headers if status >= 400 else None)

    def let_go(self) -> None:
        self._over.set()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Listens on a port of the operating system's choice until the end."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.let_go()
        await runner.cleanup()
