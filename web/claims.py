"""What a provider's claims say of a person: who it is, what people call them, and their role here."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from app.oidc_settings import OidcSettings

NAMES: Final = ("name", "preferred_username", "email", "sub")
LONGEST_NAME: Final = 100


def person_id(issuer: str, subject: str) -> str:
    """The same after every sign-in, and another for the same subject of another issuer."""
    return f"p-{blake2b(f'{issuer} {subject}'.encode(), digest_size=10).hexdigest()}"


def name_of(claims: Mapping[str, Any]) -> str:
    """The first that the provider says, without control characters."""
    for name in NAMES:
        text = claims.get(name)
        shown = "".join(one for one in text if one.isprintable()).strip() if isinstance(text, str) else ""
        if shown:
            return shown[:LONGEST_NAME]
    return "somebody"


def role_of(claims: Mapping[str, Any], settings: OidcSettings) -> str | None:
    """The first role of the mapping that the claim has a value for; None: no access."""
    held = values_at(claims, settings.role_claim)
    return next((role for value, role in settings.roles if value in held), None)


def values_at(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """A claim by its whole name (which may have dots: some are addresses), else by the path of its names."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return frozenset(value for value in listed if isinstance(value, str))
