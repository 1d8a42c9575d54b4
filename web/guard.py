"""Around every request: problem documents, security headers, limits, a request id. No traceback leaves."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from app.store.web_errors import is_unavailable
from web.card_numbers import refuse_card_numbers_around
from web.deps import DEPS
from web.problems import Problem, from_http, respond
from web.rate_limits import Standing

LARGEST_BODY_BYTES: Final = 64 * 1024
ANSWER_WITHIN_SECONDS: Final = 10.0
WRITE_WITHIN_SECONDS: Final = 20.0
"""Storing a request may take 7 seconds, and its caller may wait 10 for the outcome."""
REQUEST_ID: Final = web.RequestKey("request_id", str)
STANDING: Final = web.RequestKey("standing", Standing)
"""Of the caller's key."""
STREAMS: Final = frozenset(
    {
        "/live",
        "/mismatches/live",
        "/mismatches.csv",
        "/v1/mismatches/stream",
        "/journal.csv",
        "/v1/ledger/journal.csv",
    }
)
"""Routes that stay open on purpose."""
LARGE_BODIES: Final = frozenset({"/webhooks/{psp}"})
"""Routes that look at their body's size themselves."""
UPLOADS: Final = frozenset({"/v1/files", "/files"})
"""Routes that take files: they watch themselves how much comes and how long nothing does."""

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, our own forms would have no Origin to show
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Server": "tallystick",
}

log: Final = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware."""
    request[REQUEST_ID] = secrets.token_hex(8)
    began = time.monotonic()
    response = await _answer(request, handler)
    route = _route(request)
    if route not in STREAMS:
        seconds = time.monotonic() - began
        request.app[DEPS].requests_seen.add(request.method, route, response.status, seconds)
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        _check_body(request)
        refuse_card_numbers_around(request)
        async with asyncio.timeout(_seconds(request)):
            return await handler(request)
    except Problem as problem:
        return _refuse(request, problem)
    except web.HTTPException as error:
        if isinstance(error, web.HTTPRedirection):
            return web.Response(status=error.status, headers={"Location": error.headers.get("Location", "/")})
        return _refuse(request, from_http(error))
    except TimeoutError:
        return _refuse(request, Problem("timeout", "", {"Retry-After": "5"}))
    except Exception as error:
        return _refuse(request, _of(request, error))


def _seconds(request: web.Request) -> float | None:
    if _route(request) in STREAMS:
        return None
    if request.method == "POST" and _route(request) in UPLOADS:
        return None
    return ANSWER_WITHIN_SECONDS if request.method in ("GET", "HEAD") else WRITE_WITHIN_SECONDS


def _check_body(request: web.Request) -> None:
    if _route(request) in LARGE_BODIES | UPLOADS:
        return
    if request.content_length is not None and request.content_length > LARGEST_BODY_BYTES:
        raise Problem("body_too_large", f"at most {LARGEST_BODY_BYTES} bytes", {"Connection": "close"})


def _of(request: web.Request, error: Exception) -> Problem:
    """The client learns the request id and nothing of the error's text; the log has both."""
    if is_unavailable(error):
        log.warning("request %s: the database is not available: %r", request[REQUEST_ID], error)
        return Problem("database_unavailable", "try again in a moment", {"Retry-After": "2"})
    log.error("request %s to %s failed", request[REQUEST_ID], _route(request), exc_info=error)
    return Problem("internal", f"please name request id {request[REQUEST_ID]}")


def _refuse(request: web.Request, problem: Problem) -> web.Response:
    return respond(problem, request.path, request[REQUEST_ID])


def _route(request: web.Request) -> str:
    """The pattern that matched, e.g. `/v1/payments/{id}`; `unmatched` where none did."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, so that streams and static files get them too."""
    response.headers.update(SECURITY_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if STANDING in request:
        response.headers.update(request[STANDING].headers)
    if REQUEST_ID in request:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
