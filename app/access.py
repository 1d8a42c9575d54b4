"""How the PSPs' APIs are reached: credentials and addresses, from the environment.

A module of its own because `app.settings` reads it and `app.psp` uses it, and neither knows the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.errors import ConfigurationError

VARIABLE: Final = re.compile(r"TALLYSTICK_PSP_([A-Z0-9_]+?)_(API_KEY|API_URL|ACCOUNT|TIMEOUT_SECONDS)")
URL: Final = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
SECONDS: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
LONGEST_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one PSP: `TALLYSTICK_PSP_<NAME>_API_KEY`, `_API_URL`, `_ACCOUNT`, `_TIMEOUT_SECONDS`."""

    api_key: str = field(repr=False)
    """Never to be logged."""
    url: str | None = None
    """None: the PSP's own address. Without a slash at its end."""
    account: str | None = None
    """The PSP's name of our account (Adyen's merchantAccount)."""
    timeout_seconds: float = 10.0


def psp_access(environ: Mapping[str, str]) -> dict[str, Access]:
    """PSP -> how to reach it, for each that a variable names; an empty value counts as unset.

    Raises ConfigurationError that names the variable; the key is never repeated in it.
    """
    found = (match for match in map(VARIABLE.fullmatch, environ) if match and environ[match[0]].strip())
    return {name.lower(): _access(name, environ) for name in sorted({match[1] for match in found})}


def _access(name: str, environ: Mapping[str, str]) -> Access:
    prefix = f"TALLYSTICK_PSP_{name}_"
    key, url, account, seconds = (
        environ.get(prefix + part, "").strip()
        for part in ("API_KEY", "API_URL", "ACCOUNT", "TIMEOUT_SECONDS")
    )
    if not key:
        raise ConfigurationError(f"{prefix}API_KEY is not set, but other variables of this PSP are")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(f"{prefix}API_KEY must be printable ASCII without blanks")
    if url and not URL.fullmatch(url):
        raise ConfigurationError(f"{prefix}API_URL must begin with http:// or https://, not {url!r}")
    if seconds and not (SECONDS.fullmatch(seconds) and 0 < float(seconds) <= LONGEST_SECONDS):
        raise ConfigurationError(
            f"{prefix}TIMEOUT_SECONDS must be above 0 and at most {LONGEST_SECONDS:g}, not {seconds!r}"
        )
    return Access(key, url.rstrip("/") or None, account or None, float(seconds) if seconds else 10.0)
