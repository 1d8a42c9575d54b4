"""Whether a request that changes something was meant: browsers send cookies and passwords by themselves.

Whoever is known by what a browser adds (a session, Basic, or just being on this machine) must have sent the
request from a page of ours: its Origin says so, and a token that only our pages have. A key in
`Authorization: Bearer` is never added by a browser, so it needs neither.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from web.call import Principal
from web.keys import KeyHasher
from web.problems import Problem
from web.visitor import CSRF_FIELD, CSRF_HEADER

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
PURPOSE: Final = b"csrf"
FORM: Final = "application/x-www-form-urlencoded"


def csrf_token(hasher: KeyHasher, principal: Principal) -> str:
    """Of this session (or key): worth nothing with another one's."""
    return hasher.mac(PURPOSE, _whose(principal))


async def check_csrf(
    request: web.Request, principal: Principal, hasher: KeyHasher, public_url: str | None
) -> None:
    """Raises Problem `csrf_refused`."""
    if request.method in SAFE or not _is_ambient(request, principal):
        return
    if not _is_own_origin(request, public_url):
        raise Problem("csrf_refused", "its Origin is not this site")
    token = await _token(request)
    if not token or not hasher.is_mac(PURPOSE, _whose(principal), token):
        raise Problem("csrf_refused", f"send the page's token as the field {CSRF_FIELD} or as {CSRF_HEADER}")


def _whose(principal: Principal) -> str:
    return f"{principal.kind} {principal.session_id or principal.key_id}"


def _is_ambient(request: web.Request, principal: Principal) -> bool:
    if principal.kind == "key":
        return request.headers.get("Authorization", "").strip().lower().startswith("basic")
    return principal.kind in ("person", "local")


def _is_own_origin(request: web.Request, public_url: str | None) -> bool:
    """Browsers name the origin with every request that is not a plain read."""
    origin = request.headers.get("Origin", "")
    return origin in (f"http://{request.host}", f"https://{request.host}", _origin(public_url))


def _origin(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


async def _token(request: web.Request) -> str:
    """As a header, or as a form's field; a form with files says it in the address of its action."""
    if given := request.headers.get(CSRF_HEADER):
        return given
    if request.content_type == FORM:
        field = (await request.post()).get(CSRF_FIELD, "")
        return field if isinstance(field, str) else ""
    return request.query.get(CSRF_FIELD, "")
