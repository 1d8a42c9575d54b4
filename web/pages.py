"""The pages for people: the live overview, one mismatch, and the stream that keeps the overview current."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from app.store.web_mismatches import find_mismatch
from web import render
from web.deps import DEPS
from web.params import check_path
from web.problems import Problem
from web.status import status_of

HEARTBEAT_SECONDS: Final = 15.0
"""A comment now and then: proxies keep the stream open, and we notice that a browser has gone."""
RETRY: Final = b"retry: 1000\n\n"


async def get_home(request: web.Request) -> web.StreamResponse:
    deps = request.app[DEPS]
    snapshot = await deps.snapshots.current()
    return _html(render.home(status_of(snapshot), list(deps.live.rows(snapshot).values())))


async def get_mismatch_page(request: web.Request) -> web.StreamResponse:
    check_path(request.match_info)
    found = await find_mismatch(request.app[DEPS].pool, request.match_info["id"])
    if found is None:
        raise Problem("not_found", f"no mismatch {request.match_info['id']!r}")
    return _html(render.mismatch_page(found))


async def get_live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `fragments`, `mismatches`, `trouble`. An internal format of the page."""
    with request.app[DEPS].live.view() as mail:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        try:
            await response.prepare(request)
            await response.write(RETRY)
            while (message := await _next(mail)) is not None:
                await response.write(message)
        except ConnectionResetError:
            pass  # the browser has gone, which is how every view ends
        return response


async def _next(mail: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await mail.get()
    except TimeoutError:
        return b": still here\n\n"


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
