"""`/login`, the way to the identity provider and back, and `/logout`.

What a sign-in has to remember (state, nonce, PKCE verifier, where to go then) is a cookie of ten minutes that
we vouch for; nothing is stored before the provider has vouched for somebody. One sign-in makes one session.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from web import render
from web.call import Principal
from web.deps import DEPS, Deps
from web.id_tokens import TokenRefused
from web.oidc import ProviderAway
from web.people import NoRole, People
from web.problems import Problem
from web.visitor import PRINCIPAL

COOKIE: Final = "tallystick_sign_in"
PATH: Final = "/login"
PURPOSE: Final = b"sign-in"
WITHIN_SECONDS: Final = 600
NEXT: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")
"""A path of ours: no other host, no backslash that a browser reads as a slash, no control character."""
CODE: Final = re.compile(r"[ -~]{1,2000}")
ERROR: Final = re.compile(r"[a-z_]{1,40}")

log: Final = logging.getLogger(__name__)


class SignIn(NamedTuple):
    """One that is under way in this browser. `at`: seconds since 1970 when it began."""

    state: str
    nonce: str
    verifier: str
    next: str
    at: int


async def get_login(request: web.Request) -> web.StreamResponse:
    deps = request.app[DEPS]
    back_to = safe_next(request.query.get("next"))
    if deps.people is None:
        return _page("not_configured")
    if await deps.people.principal(request) is not None:
        raise web.HTTPSeeOther(back_to)
    if "out" in request.query:
        return _page(
            "signed_out", provider=await deps.people.provider.end_url(f"{deps.people.public_url}/login")
        )
    return _page("", next=back_to)


async def get_start(request: web.Request) -> web.StreamResponse:
    """Off to the provider."""
    people, deps = _people(request), request.app[DEPS]
    begun = SignIn(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        next=safe_next(request.query.get("next")),
        at=int(time.time()),
    )
    try:
        url = await people.provider.start_url(
            people.redirect_uri, begun.state, begun.nonce, _challenge(begun)
        )
    except ProviderAway as error:
        log.warning("nobody can sign in: %s", error)
        return _page("away", 503)
    response = web.Response(status=303, headers={"Location": url})
    _set_cookie(response, people, _sealed(deps, begun), WITHIN_SECONDS)
    return response


async def get_callback(request: web.Request) -> web.StreamResponse:
    """Back from the provider, with a code or the reason why not. Whatever comes of it, it comes once."""
    people, deps = _people(request), request.app[DEPS]
    try:
        response = await _signed_in(request, people, deps)
    except TokenRefused as error:
        log.warning("a sign-in was refused: %s", error)
        response = _page("refused", 403)
    except NoRole:
        response = _page("no_role", 403)
    except ProviderAway as error:
        log.warning("a sign-in failed: %s", error)
        response = _page("away", 503)
    _set_cookie(response, people, "", 0)
    return response


async def _signed_in(request: web.Request, people: People, deps: Deps) -> web.Response:
    begun, query = _begun(deps, request.cookies.get(COOKIE, "")), request.query
    if begun is None or not hmac.compare_digest(begun.state.encode(), query.get("state", "").encode()):
        raise TokenRefused("it did not begin in this browser, or too long ago")
    if error := query.get("error"):
        raise TokenRefused(f"the provider says {error if ERROR.fullmatch(error) else 'something else'}")
    people.provider.check_issuer(await people.provider.document(), query.get("iss"))
    code = query.get("code", "")
    if not CODE.fullmatch(code):
        raise TokenRefused("there is no code")
    claims = await people.provider.claims_for(code, begun.verifier, people.redirect_uri, begun.nonce)
    token = await people.begin(request, claims, begun.state)
    if token is None:
        raise TokenRefused("this sign-in was used before")
    response = web.Response(status=303, headers={"Location": begun.next})
    people.set_cookie(response, token)
    return response


async def post_logout(request: web.Request) -> web.StreamResponse:
    """Ends this session. What the provider remembers of its own is another matter, and the page says so."""
    principal: Principal = request[PRINCIPAL]
    response = web.Response(status=303, headers={"Location": f"{PATH}?out=1"})
    people = request.app[DEPS].people
    if people is not None and principal.session_id:
        await people.end(principal.session_id)
        people.drop_cookie(response)
    return response


def safe_next(text: str | None) -> str:
    """Where to go after signing in: an address of ours, else the overview."""
    if text is None or not NEXT.fullmatch(text) or re.match(r"/(login|logout)\b", text):
        return "/"
    return text


def login_url(request: web.Request) -> str:
    """The page to sign in on, which leads back to what was asked for."""
    wanted = safe_next(request.raw_path)
    return PATH if wanted == "/" else f"{PATH}?{urlencode({'next': wanted})}"


def _people(request: web.Request) -> People:
    people = request.app[DEPS].people
    if people is None:
        raise Problem("not_found", "signing in is not configured here")
    return people


def _page(stage: str, status: int = 200, **context: Any) -> web.Response:
    text = render.page(
        "login.html", stage=stage, next=context.get("next", "/"), provider=context.get("provider")
    )
    return web.Response(text=text, status=status, content_type="text/html")


def _challenge(begun: SignIn) -> str:
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _sealed(deps: Deps, begun: SignIn) -> str:
    text = base64.urlsafe_b64encode(json.dumps(begun._asdict()).encode()).decode().rstrip("=")
    return f"{text}.{deps.hasher.mac(PURPOSE, text)}"


def _begun(deps: Deps, cookie: str) -> SignIn | None:
    """What we wrote into the cookie, while it is young."""
    text, _, mac = cookie.partition(".")
    if not deps.hasher.is_mac(PURPOSE, text, mac):
        return None
    fields: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    begun = SignIn(**fields)
    return begun if 0 <= time.time() - begun.at + 1 <= WITHIN_SECONDS + 1 else None


def _set_cookie(response: web.StreamResponse, people: People, value: str, seconds: int) -> None:
    """Lax: it has to come with the way back from the provider, which is another site."""
    response.set_cookie(
        COOKIE, value, max_age=seconds, path=PATH, httponly=True, secure=people.secure, samesite="Lax"
    )
