"""People in the browser: from a checked sign-in to a session, and from a cookie to who it is.

A session is a row; its cookie holds `<id>.<secret>` and the row a keyed hash of that, so that neither a copy
of the database nor a write to it makes a session. Every sign-in makes a new one: a cookie that was there
before, from whomever, is never taken over.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from aiohttp import web

from app.errors import ConfigurationError
from app.oidc_settings import OidcSettings, secure_url
from app.store.web_sessions import NewSession, StoredSession, add_session, end_session, find_session, seen
from web.call import Principal
from web.claims import name_of, person_id, role_of
from web.keys import KeyHasher
from web.oidc import Provider

TOKEN: Final = re.compile(r"([0-9a-f]{12})\.[0-9a-f]{64}")
LONGEST_AGENT: Final = 200
LOOK_SECONDS: Final = 15.0
"""How often an open stream asks whether its session still is."""

log: Final = logging.getLogger(__name__)


class NoRole(Exception):
    """Somebody whom the provider knows, and who has no role here."""


class People:
    """`public_url`: where people reach us; over https cookies are sent over nothing else."""

    def __init__(self, settings: OidcSettings, pool: Any, hasher: KeyHasher, public_url: str) -> None:
        try:
            secure_url("TALLYSTICK_PUBLIC_URL", public_url)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error}: people sign in there") from None
        self.settings, self.public_url = settings, public_url
        self.provider = Provider(settings)
        self.secure = public_url.startswith("https:")
        self.cookie = "__Host-tallystick" if self.secure else "tallystick_session"
        self.look_seconds = LOOK_SECONDS
        self._pool, self._hasher = pool, hasher

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/login/callback"

    async def principal(self, request: web.Request, *, used: bool = True) -> Principal | None:
        """Who is signed in with the request's cookie. `used`: by the person, not by a page on its own."""
        session = await self._session(request.cookies.get(self.cookie, ""))
        if session is not None and used and session.is_due:
            await seen(self._pool, session.id)
        if session is None:
            return None
        return Principal(
            session.person_id, session.role, kind="person", name=session.name, session_id=session.id
        )

    async def is_live(self, session_id: str) -> bool:
        found = await find_session(self._pool, session_id, self.settings.idle_seconds)
        return found is not None and found.is_live

    async def _session(self, token: str) -> StoredSession | None:
        match = TOKEN.fullmatch(token)
        found = await find_session(self._pool, match[1], self.settings.idle_seconds) if match else None
        if found is None or not found.is_live or not self._hasher.verify(token, found.token_hash):
            return None
        return found

    async def cut_when_over(self, request: web.Request, session_id: str) -> None:
        """Beside a stream: once the session is over, the connection is closed."""
        while True:
            await asyncio.sleep(self.look_seconds)
            try:
                live = await self.is_live(session_id)
            except Exception as error:
                log.warning("a session could not be looked at: %r", error)
                continue
            if not live and request.transport is not None:
                request.transport.close()
                return

    async def begin(self, request: web.Request, claims: Mapping[str, Any], state: str) -> str | None:
        """The token of a new session; None: this sign-in made one before. Raises NoRole."""
        role = role_of(claims, self.settings)
        if role is None:
            raise NoRole
        session_id, issuer, subject = secrets.token_hex(6), self.settings.issuer, claims["sub"]
        token = f"{session_id}.{secrets.token_hex(32)}"
        before = await self._session(request.cookies.get(self.cookie, ""))
        new = NewSession(
            id=session_id,
            token_hash=self._hasher.hash(token),
            sign_in=sha256(state.encode()).digest(),
            issuer=issuer,
            subject=subject,
            person_id=person_id(issuer, subject),
            name=name_of(claims),
            role=role,
            address=request.remote or "",
            agent=request.headers.get("User-Agent", "")[:LONGEST_AGENT].replace("\0", ""),
            ends=before.id if before else None,
        )
        return token if await add_session(self._pool, new, self.settings.longest_seconds) else None

    async def end(self, session_id: str) -> None:
        await end_session(self._pool, session_id, "signed_out")

    def set_cookie(self, response: web.StreamResponse, token: str) -> None:
        """Not sent with what other sites ask for, but when a person follows a link to us."""
        response.set_cookie(
            self.cookie, token, max_age=self.settings.longest_seconds, path="/", httponly=True,
            secure=self.secure, samesite="Lax",
        )  # fmt: skip

    def drop_cookie(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.cookie, path="/", httponly=True, secure=self.secure, samesite="Lax")
