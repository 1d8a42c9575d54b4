"""`POST /webhooks/{psp}`: checked by its signature, stored as it came, and answered only when it is stored.

Nothing is parsed here: what a body means is read behind the log, so that a mistake in reading can be
replayed. A delivery that comes again is stored again and answered the same way; it is known behind the door.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.psp.registry import adapters
from web.deps import DEPS
from web.problems import Problem

LARGEST_WEBHOOK_BYTES: Final = 1024 * 1024
JSON: Final = "application/json"


async def receive(request: web.Request) -> web.StreamResponse:
    """200 with what the PSP wants to hear. Every other answer means that nothing is stored."""
    psp, seen = request.match_info["psp"], request.app[DEPS].requests_seen
    outcome = "cut_off"
    try:
        response = await _receive(request, psp)
        outcome = "stored"
        return response
    except Problem as problem:
        outcome = problem.code
        raise
    finally:
        seen.add_webhook(psp if psp in adapters() else "unknown", outcome)


async def _receive(request: web.Request, psp: str) -> web.Response:
    ingress, adapter = request.app[DEPS].ingress, adapters().get(psp)
    if adapter is None:
        raise Problem("not_found", "there is no such PSP")
    keys = ingress.keys.get(psp)
    if not keys:
        raise Problem("webhooks_not_configured", headers={"Retry-After": "60"})
    body = await _read(request)
    if request.content_type != JSON:
        raise Problem("unsupported_media_type", f"send {JSON}")
    headers = {name: request.headers[name] for name in adapter.headers if name in request.headers}
    if not adapter.verify(headers, body, keys, ingress.now()):
        raise Problem("signature_refused")
    await ingress.store(adapter, headers, body)
    return web.Response(body=adapter.reply.body, content_type=adapter.reply.content_type)


async def _read(request: web.Request) -> bytes:
    """The whole body, however it is sent; no more than the limit is ever held."""
    if (request.content_length or 0) > LARGEST_WEBHOOK_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > LARGEST_WEBHOOK_BYTES:
                raise _too_large()
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("bad_request", "the body cannot be read", {"Connection": "close"}) from None
    return bytes(body)


def _too_large() -> Problem:
    return Problem("body_too_large", f"at most {LARGEST_WEBHOOK_BYTES} bytes", {"Connection": "close"})
