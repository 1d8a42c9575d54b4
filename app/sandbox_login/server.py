"""The provider over HTTP: discovery, a page to choose an account on, tokens, keys, sign-out."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Final
from urllib.parse import unquote_plus, urlencode, urlsplit

import jinja2
from aiohttp import web

from app.sandbox_login.provider import ACCOUNTS, CLIENT_ID, Provider, Refusal

HERE: Final = ("127.0.0.1", "localhost", "::1")
TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Routes:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def table(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self.document),
            web.get("/jwks", self.jwks),
            web.get("/authorize", self.authorize),
            web.post("/token", self.token),
            web.get("/userinfo", self.user_info),
            web.get("/logout", self.logout),
            web.post("/_control/rotate", self.rotate),
        ]

    async def document(self, _: web.Request) -> web.Response:
        return web.json_response(self._provider.document())

    async def jwks(self, _: web.Request) -> web.Response:
        return web.json_response(self._provider.jwks())

    async def authorize(self, request: web.Request) -> web.Response:
        """A page with the accounts; with `login_hint` (or the page's choice) straight back, with a code."""
        asked = dict(request.query)
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID or urlsplit(redirect_uri).hostname not in HERE:
            return _page(problem="This client or its address is not known here.", accounts=[], status=400)
        missing = [name for name in ("state", "nonce", "code_challenge") if not asked.get(name)]
        if missing or asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return self._back(asked, error="invalid_request")
        account = asked.get("login_hint")
        if account is None:
            choices = [(one, f"?{urlencode({**asked, 'login_hint': one.id})}") for one in ACCOUNTS.values()]
            return _page(problem="", accounts=choices, cancel=f"?{urlencode({**asked, 'login_hint': ''})}")
        try:
            code = self._provider.code_for(account, redirect_uri, asked["nonce"], asked["code_challenge"])
        except Refusal as refusal:
            return self._back(asked, error=refusal.error)
        return self._back(asked, code=code)

    def _back(self, asked: dict[str, str], **answer: str) -> web.Response:
        query = {**answer, "state": asked.get("state", ""), "iss": self._provider.issuer}
        return _redirect(f"{asked['redirect_uri']}?{urlencode(query)}")

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        client = _client(request.headers.get("Authorization", ""), form)
        try:
            if form.get("grant_type") != "authorization_code":
                raise Refusal("unsupported_grant_type")
            code, redirect_uri = form.get("code", ""), form.get("redirect_uri", "")
            tokens = self._provider.tokens_for(client, code, redirect_uri, form.get("code_verifier", ""))
        except Refusal as refusal:
            return web.json_response({"error": refusal.error}, status=refusal.status, headers=HEADERS)
        return web.json_response(tokens, headers=HEADERS)

    async def user_info(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            return web.json_response(self._provider.user_info(token), headers=HEADERS)
        except Refusal as refusal:
            return web.json_response({"error": refusal.error}, status=refusal.status)

    async def logout(self, request: web.Request) -> web.Response:
        """Nothing is remembered of anybody: only the way back."""
        back_to = request.query.get("post_logout_redirect_uri", "")
        if urlsplit(back_to).hostname in HERE:
            return _redirect(back_to)
        return _page(problem="You are signed out.", accounts=[])

    async def rotate(self, _: web.Request) -> web.Response:
        self._provider.rotate()
        return web.json_response(self._provider.jwks())


def _client(authorization: str, form: dict[str, str]) -> tuple[str, str]:
    """(id, secret) as Basic, else as fields of the form."""
    if not authorization.lower().startswith("basic "):
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _redirect(url: str) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": url})


def _page(status: int = 200, **context: object) -> web.Response:
    text = TEMPLATES.get_template("choose.html").render(**context)
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)


def build(provider: Provider) -> web.Application:
    app = web.Application()
    app.add_routes(Routes(provider).table())
    return app
