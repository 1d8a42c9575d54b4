"""Who is calling: `Authorization: Bearer <key>`, on pages also Basic with the key as the password; or a
person who has signed in, by the session's cookie (`web/people.py`).

Browsers cannot send Bearer by themselves, so a page that needs a key asks with Basic; the user name is
ignored. On loopback the pages are open, but only under a loopback `Host`: a web site that rebinds its own
name to 127.0.0.1 must not read the books through somebody's browser. Where people can sign in, they have to.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from aiohttp import web

from app.settings import LOOPBACKS
from web.call import MERCHANT, ROLES, Access, Principal
from web.deps import Deps
from web.guard import STREAMS
from web.keys import key_id_of
from web.people import People
from web.problems import Problem
from web.sign_in import login_url

ANYONE: Final = Principal("", "anyone", kind="anyone")
LOCAL_VIEWER: Final = Principal("", "viewer", kind="local")

BEARER: Final = {"WWW-Authenticate": 'Bearer realm="tallystick"'}
BASIC: Final = {"WWW-Authenticate": 'Basic realm="tallystick: the key is the password", charset="UTF-8"'}


async def authenticate(request: web.Request, deps: Deps, access: Access) -> Principal:
    """The caller, or a 401 / 403. A key that is unknown, revoked or misspelt gets the same answer."""
    if access is Access.OPEN:
        return ANYONE
    open_here = deps.people is None and deps.pages_open and _host_is_loopback(request.host)
    if access is Access.PAGES and open_here:
        return LOCAL_VIEWER
    principal = await _principal(request, deps, pages=access is Access.PAGES or _is_form(request))
    if principal.role in ROLES[access] and (principal.role == MERCHANT) == bool(principal.merchant_id):
        return principal
    raise Problem("forbidden", f"the role {principal.role!r} has no access here")


async def _principal(request: web.Request, deps: Deps, *, pages: bool) -> Principal:
    if deps.people is not None and "Authorization" not in request.headers:
        return await _person(request, deps.people, pages=pages)
    challenge = BASIC if pages else BEARER
    token = _token(request.headers.get("Authorization", ""), basic=pages)
    if token is None:
        raise Problem("unauthorized", "send `Authorization: Bearer <key>`", challenge)
    key_id = key_id_of(token)
    stored = await deps.find_key(key_id) if key_id else None
    if stored is None or stored.revoked_at is not None or not deps.hasher.verify(token, stored.hash):
        raise Problem("unauthorized", "this key is not known, or was revoked", challenge)
    return Principal(stored.id, stored.role, stored.merchant_id)


def _is_form(request: web.Request) -> bool:
    """Sent by a page, so by whoever the page was shown to."""
    return request.method == "POST" and not request.path.startswith(("/v1/", "/webhooks/"))


def is_stream(request: web.Request) -> bool:
    """Whether a page asks by itself, for as long as it is open."""
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in STREAMS


async def _person(request: web.Request, people: People, *, pages: bool) -> Principal:
    """Whoever opens a page without a session is led to the sign-in, and from there to the page."""
    principal = await people.principal(request, used=not is_stream(request))
    if principal is not None:
        return principal
    if pages and request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        raise web.HTTPSeeOther(login_url(request))
    raise Problem("unauthorized", "sign in at /login, or send `Authorization: Bearer <key>`", BEARER)


def _token(header: str, *, basic: bool) -> str | None:
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if basic and scheme.lower() == "basic":
        return _password(value.strip())
    return None


def _password(credentials: str) -> str | None:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return decoded.partition(":")[2] or None


def _host_is_loopback(host: str) -> bool:
    """`host` is the Host header, with or without a port."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name in LOOPBACKS
