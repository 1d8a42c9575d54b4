"""How people of staff sign in: an OpenID Connect provider, from the environment; unset, nobody does.

A module of its own because `app.settings` reads it and the web uses it, as with `app.access`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.errors import ConfigurationError

PREFIX: Final = "TALLYSTICK_OIDC_"
ISSUER, CLIENT_ID, CLIENT_SECRET = f"{PREFIX}ISSUER", f"{PREFIX}CLIENT_ID", f"{PREFIX}CLIENT_SECRET"
ROLES, ROLE_CLAIM, SCOPES = f"{PREFIX}ROLES", f"{PREFIX}ROLE_CLAIM", f"{PREFIX}SCOPES"
IDLE, LONGEST = "TALLYSTICK_SIGN_IN_IDLE_SECONDS", "TALLYSTICK_SIGN_IN_LONGEST_SECONDS"
STAFF_ROLES: Final = ("viewer", "analyst", "approver", "lead", "operator", "admin")
OWN_NAMES: Final = tuple((role, role) for role in reversed(STAFF_ROLES))
SECONDS: Final = re.compile(r"[0-9]{1,7}")
HOSTS_HERE: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """Of one provider, and of the sessions that begin there."""

    issuer: str
    """Exactly as the provider names itself."""
    client_id: str
    client_secret: str = field(default="", repr=False)
    """Empty: a public client, which PKCE alone protects."""
    roles: tuple[tuple[str, str], ...] = OWN_NAMES
    """(value of the claim, our role): the first that a person has counts."""
    role_claim: str = "roles"
    """Path of names with dots, e.g. `realm_access.roles`: a text or a list of texts."""
    scopes: str = "openid profile email"
    idle_seconds: int = 3_600
    """A session that was not used for so long has ended."""
    longest_seconds: int = 43_200
    """And every session, however much it is used."""


def oidc_settings(environ: Mapping[str, str]) -> OidcSettings | None:
    """None without an issuer. Raises ConfigurationError that names the variable."""
    found = {name: value.strip() for name, value in environ.items() if value.strip()}
    if ISSUER not in found:
        _refuse_others(found)
        return None
    if CLIENT_ID not in found:
        raise ConfigurationError(f"{CLIENT_ID} is not set, but {ISSUER} is")
    return OidcSettings(
        issuer=secure_url(ISSUER, found[ISSUER]),
        client_id=found[CLIENT_ID],
        client_secret=found.get(CLIENT_SECRET, ""),
        roles=_roles(found.get(ROLES, "")) or OWN_NAMES,
        role_claim=found.get(ROLE_CLAIM, "roles"),
        scopes=_scopes(found.get(SCOPES, "openid profile email")),
        idle_seconds=idle_seconds(found),
        longest_seconds=_seconds(found, LONGEST, 43_200),
    )


def idle_seconds(environ: Mapping[str, str]) -> int:
    """After how long without use a session has ended. Raises ConfigurationError."""
    return _seconds(environ, IDLE, 3_600)


def _refuse_others(found: Mapping[str, str]) -> None:
    """A misspelt issuer must not leave the pages open."""
    others = sorted(name for name in found if name.startswith(PREFIX))
    if others:
        raise ConfigurationError(f"{others[0]} is set, but {ISSUER} is not")


def secure_url(name: str, url: str) -> str:
    """https, or http to this machine. Raises ConfigurationError."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in HOSTS_HERE
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be an https:// address (http:// on this machine), not {url!r}")
    return url


def _roles(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(_pair(part.strip()) for part in text.split(",") if part.strip())


def _pair(text: str) -> tuple[str, str]:
    value, equals, role = (part.strip() for part in text.rpartition("="))
    if not equals or not value or role not in STAFF_ROLES:
        raise ConfigurationError(
            f"{ROLES} must be like tally-leads=lead,tally-staff=viewer with the roles "
            f"{', '.join(STAFF_ROLES)}; {text!r} is not"
        )
    return value, role


def _scopes(text: str) -> str:
    if "openid" not in text.split():
        raise ConfigurationError(f"{SCOPES} must contain openid")
    return text


def _seconds(found: Mapping[str, str], name: str, default: int) -> int:
    text = found.get(name, "").strip() or str(default)
    if not SECONDS.fullmatch(text) or not int(text):
        raise ConfigurationError(f"{name} must be a whole number of seconds above 0, not {text!r}")
    return int(text)
