"""A small OpenID Connect provider for demo and tests: accounts named by their role, and nobody's password.

Whoever reaches it signs in as whom they like, so it listens on this machine only. It does what it does by the
book: codes that count once and for a minute, PKCE, a secret of the client, signed tokens, keys that change.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from joserfc import jwt
from joserfc.jwk import RSAKey

CODE_SECONDS: Final = 60
TOKEN_SECONDS: Final = 300
CLIENT_ID: Final = "tallystick"
ALGORITHM: Final = "RS256"


class Account(NamedTuple):
    """Somebody to sign in as. `roles`: what the claim of that name says."""

    id: str
    name: str
    roles: tuple[str, ...]


ROLES: Final = ("viewer", "analyst", "approver", "lead", "operator", "admin")
ACCOUNTS: Final = {
    account.id: account
    for account in (
        *(Account(role, role.capitalize(), (role,)) for role in ROLES),
        Account("approver-2", "Second approver", ("approver",)),
        Account("no-role", "Without a role", ()),
    )
}


class Refusal(Exception):
    """An OAuth error code."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.status = error, status


@dataclass(frozen=True, slots=True)
class Asked:
    """What an authorisation request asked for."""

    redirect_uri: str
    nonce: str
    challenge: str
    account: Account
    until: float


class Provider:
    """`issuer`: its own address; set once it is known."""

    def __init__(self, client_secret: str) -> None:
        self.issuer = ""
        self._secret = client_secret
        self._codes: dict[str, Asked] = {}
        self._access: dict[str, Account] = {}
        self.keys = [_new_key()]

    def rotate(self) -> None:
        """Signs with a new key from now on; the one before is still published."""
        self.keys = [_new_key(), self.keys[0]]

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def code_for(self, account_id: str, redirect_uri: str, nonce: str, challenge: str) -> str:
        """Raises Refusal for an account that is not there."""
        account = ACCOUNTS.get(account_id)
        if account is None:
            raise Refusal("access_denied")
        code = secrets.token_urlsafe(24)
        self._codes[code] = Asked(redirect_uri, nonce, challenge, account, time.monotonic() + CODE_SECONDS)
        return code

    def tokens_for(
        self, client: tuple[str, str], code: str, redirect_uri: str, verifier: str
    ) -> dict[str, Any]:
        """Once per code. Raises Refusal."""
        known = hmac.compare_digest(client[1].encode(), self._secret.encode())
        if client[0] != CLIENT_ID or not known:
            raise Refusal("invalid_client", 401)
        asked = self._codes.pop(code, None)
        if asked is None or asked.until < time.monotonic() or asked.redirect_uri != redirect_uri:
            raise Refusal("invalid_grant")
        if _challenge(verifier) != asked.challenge:
            raise Refusal("invalid_grant")
        access_token = secrets.token_urlsafe(24)
        self._access[access_token] = asked.account
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "id_token": self.sign(self.claims(asked)),
        }

    def claims(self, asked: Asked) -> dict[str, Any]:
        """Of the identity token."""
        now = int(time.time())
        return {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "nonce": asked.nonce,
            **self.profile(asked.account),
        }

    def profile(self, account: Account) -> dict[str, Any]:
        return {"sub": account.id, "name": account.name, "roles": list(account.roles)}

    def sign(self, claims: dict[str, Any]) -> str:
        key = self.keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def user_info(self, access_token: str) -> dict[str, Any]:
        """Raises Refusal."""
        account = self._access.get(access_token)
        if account is None:
            raise Refusal("invalid_token", 401)
        return self.profile(account)


def _new_key() -> RSAKey:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()
    return key


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
