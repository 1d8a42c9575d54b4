"""Checks an identity token: signature, issuer, audience, times, nonce (OpenID Connect Core 3.1.3.7).

Keys are asymmetric ones of the provider only, and so are the algorithms: a token without a signature, or one
that is signed with a public key as if it were a shared secret, fits none of them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jwt import JWTClaimsRegistry

Keys = KeySet
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
SKEW_SECONDS: Final = 60
"""By how much the provider's clock and ours may differ."""
LONGEST_TOKEN: Final = 100_000
LONGEST_SUBJECT: Final = 255


class TokenRefused(Exception):
    """What came back does not prove who somebody is. The text is for the log."""


def keys_of(document: Mapping[str, Any]) -> Keys:
    """The keys that sign, of a JWK set; what we cannot use is left out."""
    listed = document.get("keys")
    found = []
    for data in listed if isinstance(listed, list) else ():
        if not isinstance(data, dict) or data.get("kty") not in KEY_TYPES or data.get("use", "sig") != "sig":
            continue
        try:
            found.append(JWKRegistry.import_key(data))
        except (JoseError, ValueError, TypeError):
            continue
    return KeySet(found)


def needs_other_keys(token: str, keys: Keys) -> bool:
    """Whether it names a key that is not among these: the provider may have a new one."""
    kid = _header(token).get("kid")
    return not keys.keys or (kid is not None and all(key.kid != kid for key in keys.keys))


def checked_claims(
    token: str, keys: Keys, *, issuer: str, client_id: str, nonce: str, now: int
) -> Mapping[str, Any]:
    """The claims of a token that holds. Raises TokenRefused for any other."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("the token is too long")
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        _registry(issuer, client_id, nonce, now).validate(claims)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(f"the identity token is refused: {error}") from None
    _check_party(claims, client_id)
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise TokenRefused("the subject is empty or too long")
    return claims


def _registry(issuer: str, client_id: str, nonce: str, now: int) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=now,
        leeway=SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """A token for several names the one it was made for."""
    audience, party = claims["aud"], claims.get("azp")
    several = isinstance(audience, list) and len(audience) > 1
    if (several or party is not None) and party != client_id:
        raise TokenRefused("the token was made for another party")


def _header(token: str) -> Mapping[str, Any]:
    """Before anything is checked; empty for what is no token."""
    part = token[:LONGEST_TOKEN].partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
