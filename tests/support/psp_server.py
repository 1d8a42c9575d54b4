"""A small real HTTP server that answers like a PSP, or does not: what it is told, in the order it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from aiohttp import ClientSession, web
from aiohttp.test_utils import BaseTestServer, TestServer

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]
DATE = "Fri, 20 Nov 2026 09:05:00 GMT"


class Seen(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class PspServer:
    """`says` are given one per request; `seen` is what came."""

    def __init__(self, server: BaseTestServer, session: ClientSession) -> None:
        self._server, self.session = server, session
        self.says: list[Respond] = []
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")


@asynccontextmanager
async def psp_server() -> AsyncIterator[PspServer]:
    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        found.seen.append(Seen(request.method, request.path_qs, headers, await request.read()))
        return await found.says.pop(0)(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    async with TestServer(app) as server, ClientSession() as session:
        found = PspServer(server, session)
        yield found


def says(status: int, document: Any, **headers: str) -> Respond:
    """A JSON answer; header names with underscores for dashes. A text goes out as it is."""
    body = document if isinstance(document, str) else json.dumps(document)
    named = {name.replace("_", "-"): value for name, value in {"Date": DATE, **headers}.items()}

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type="application/json", headers=named)

    return respond


async def hangs(request: web.Request) -> web.StreamResponse:
    """Takes the request and never answers; ends when the client goes."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def resets(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """Begins a body and closes in the middle of it."""
    response = web.StreamResponse(status=200, headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"id": "pi_1", "object": "payment_in')
    assert request.transport is not None
    request.transport.close()
    return response
