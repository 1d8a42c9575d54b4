"""A merchant's server, for real: keeps what it is sent and answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    def is_signed_with(self, secret: str) -> bool:
        """By the Standard Webhooks library, as a merchant would ask it."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


Answer = Callable[[Received, web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """`answers`: taken one by one, then 200. `handler`: instead of them, for answers that depend."""

    received: list[Received] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    handler: Answer | None = None
    url: str = ""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends what `hang` began."""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        got = Received(request.path, dict(request.headers), await request.read())
        self.received.append(got)
        if self.handler is not None:
            return await self.handler(got, request)
        return self.answers.pop(0) if self.answers else web.Response(text="thanks")

    async def hang(self, got: Received, request: web.Request) -> web.StreamResponse:
        await self.release.wait()
        return web.Response()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver._handle)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    receiver.url = str(server.make_url("/hooks"))
    try:
        yield receiver
    finally:
        receiver.release.set()
        await server.close()
