"""Server-sent events: how one is written, and a response that lasts as long as its messages or its client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import msgspec
from aiohttp import web

from web.marks import Positions, read_mark

RETRY: Final = b"retry: 1000\n\n"
HEADERS: Final = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}


def event(name: str, data: Any, mark: str = "") -> bytes:
    """One event; JSON keeps the data on one line. `mark`: where a client goes on that has got this."""
    number = f"id: {mark}\n".encode() if mark else b""
    return b"event: " + name.encode() + b"\n" + number + b"data: " + msgspec.json.encode(data) + b"\n\n"


def asked_after(request: web.Request, parameter: str | None) -> Positions | None:
    """Where the client was: the browser's own header, else the parameter. None: it did not say.

    What cannot be read is no position of ours any more: `()`, which no log holds, so that it is told `reset`.
    """
    text = request.headers.get("Last-Event-ID") or parameter
    return None if not text else read_mark(text) or ()


async def respond_with(
    request: web.Request, messages: AsyncIterator[bytes] | AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    try:
        await response.prepare(request)
        await response.write(RETRY)
        async with aclosing(messages) as open_messages:  # type: ignore[type-var]
            async for message in open_messages:
                await response.write(message)
    except ConnectionResetError:
        pass  # the client has gone, which is how every stream ends
    return response
