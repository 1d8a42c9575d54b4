"""Talks with the OpenID Connect provider: discovery, keys, and a code for the claims about a person.

Nothing of an answer is believed before it is checked (`web/id_tokens.py`); answers are bounded in size and
time, and no redirect is followed. The keys are read anew when a token names one that we do not know.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from app.errors import ConfigurationError
from app.oidc_settings import OidcSettings, secure_url
from web.id_tokens import Keys, TokenRefused, checked_claims, keys_of, needs_other_keys

ANSWER_BYTES: Final = 512 * 1024
WITHIN: Final = ClientTimeout(total=6.0, connect=3.0)
FRESH_SECONDS: Final = 3_600.0
"""Discovery and keys are used for so long: a key that was withdrawn is forgotten."""
KEYS_EVERY_SECONDS: Final = 10.0
"""Unknown keys in tokens make us ask no more often than this."""
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")

log: Final = logging.getLogger(__name__)


class ProviderAway(Exception):
    """It cannot be reached, or says what no provider says. The text is for the log."""


class Provider:
    """One provider. `now`: seconds since 1970; `monotonic`: for how old things are."""

    def __init__(
        self,
        settings: OidcSettings,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._now, self._monotonic = now, monotonic
        self._http: ClientSession | None = None
        self._document: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, Keys] | None = None

    async def stop(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def start_url(self, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the browser goes to sign in. Raises ProviderAway."""
        endpoint = (await self.document())["authorization_endpoint"]
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}?{urlencode(asked)}"

    async def end_url(self, back_to: str) -> str | None:
        """Where a person signs out at the provider itself; None where there is no such page."""
        try:
            endpoint = (await self.document()).get("end_session_endpoint")
            known = isinstance(endpoint, str) and secure_url("end_session_endpoint", endpoint)
        except (ProviderAway, ConfigurationError):
            return None
        wanted = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to}
        return f"{known}?{urlencode(wanted)}" if known else None

    def check_issuer(self, document: Mapping[str, Any], given: str | None) -> None:
        """The `iss` beside a code (RFC 9207), against mix-up with another provider. Raises TokenRefused."""
        said = document.get("authorization_response_iss_parameter_supported") is True
        if (given is None and said) or given not in (None, self.settings.issuer):
            raise TokenRefused("the code is another issuer's")

    async def claims_for(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> Mapping[str, Any]:
        """What the provider says about who signed in. Raises TokenRefused, ProviderAway."""
        tokens = await self._exchange(code, verifier, redirect_uri)
        claims = await self._checked(tokens.get("id_token"), nonce)
        access_token = tokens.get("access_token")
        needed = (self.settings.role_claim.partition(".")[0], "name")
        if all(name in claims for name in needed) or not isinstance(access_token, str):
            return claims
        return {**await self._user_info(access_token, claims["sub"]), **claims}

    async def _checked(self, id_token: Any, nonce: str) -> Mapping[str, Any]:
        if not isinstance(id_token, str):
            raise TokenRefused("there is no id_token")
        keys = await self.keys()
        if needs_other_keys(id_token, keys):
            keys = await self.keys(at_most_seconds=KEYS_EVERY_SECONDS)
        return checked_claims(
            id_token,
            keys,
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=nonce,
            now=int(self._now()),
        )

    async def _exchange(self, code: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        document = await self.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = self._authenticated(form, document)
        status, answer = await self._ask("POST", document["token_endpoint"], data=form, headers=headers)
        if status == 200:
            return answer
        if 400 <= status < 500 and status != 429:
            raise TokenRefused(f"the provider refuses the code: {str(answer.get('error'))[:60]!r}")
        raise ProviderAway(f"the token endpoint answered {status}")

    def _authenticated(self, form: dict[str, str], document: Mapping[str, Any]) -> dict[str, str]:
        """Basic unless the provider knows the body alone (RFC 6749 2.3.1)."""
        client_id, secret = self.settings.client_id, self.settings.client_secret
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and "client_secret_basic" in methods:
            both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
        form["client_id"] = client_id
        if secret:
            form["client_secret"] = secret
        return {}

    async def _user_info(self, access_token: str, subject: Any) -> Mapping[str, Any]:
        """Providers that keep the identity token small say the rest there."""
        endpoint = (await self.document()).get("userinfo_endpoint")
        if not isinstance(endpoint, str):
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        status, answer = await self._ask("GET", secure_url("userinfo_endpoint", endpoint), headers=headers)
        if status != 200:
            raise ProviderAway(f"the userinfo endpoint answered {status}")
        if answer.get("sub") != subject:
            raise TokenRefused("the userinfo is about somebody else")
        return answer

    async def document(self) -> Mapping[str, Any]:
        """What discovery says. Raises ProviderAway."""
        if self._document is None or self._monotonic() - self._document[0] > FRESH_SECONDS:
            url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, answer = await self._ask("GET", url)
            self._document = (self._monotonic(), self._usable(status, answer))
        return self._document[1]

    def _usable(self, status: int, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if status != 200 or answer.get("issuer") != self.settings.issuer:
            raise ProviderAway(f"discovery answered {status}, issuer {answer.get('issuer')!r}")
        try:
            for name in ENDPOINTS:
                secure_url(name, str(answer.get(name)))
        except ConfigurationError as error:
            raise ProviderAway(str(error)) from None
        return answer

    async def keys(self, at_most_seconds: float = FRESH_SECONDS) -> Keys:
        """Those the provider signs with, read no longer ago than that. Raises ProviderAway."""
        if self._keys is None or self._monotonic() - self._keys[0] >= at_most_seconds:
            document = await self.document()
            status, answer = await self._ask("GET", document["jwks_uri"])
            if status != 200:
                raise ProviderAway(f"the keys' address answered {status}")
            self._keys = (self._monotonic(), keys_of(answer))
        return self._keys[1]

    async def _ask(self, method: str, url: str, **more: Any) -> tuple[int, Mapping[str, Any]]:
        if self._http is None:
            self._http = ClientSession(timeout=WITHIN, headers={"Accept": "application/json"})
        try:
            async with self._http.request(method, url, allow_redirects=False, **more) as response:
                return response.status, _object(await _bounded(response.content))
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            raise ProviderAway(f"{url} cannot be asked: {error!r}") from None


async def _bounded(content: Any) -> bytes:
    found = bytearray()
    async for chunk in content.iter_any():
        found += chunk
        if len(found) > ANSWER_BYTES:
            raise ValueError("the answer is too large")
    return bytes(found)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
