"""How alert channels are reached: addresses and secrets, from the environment alone, by the channel's name.

* `TALLYSTICK_ALERT_<CHANNEL>_URL`: of a Slack or webhook channel; `ops-slack` is `OPS_SLACK`.
* `TALLYSTICK_ALERT_<CHANNEL>_SECRET`: signs a webhook channel's messages (`whsec_…`, Standard Webhooks).
* `TALLYSTICK_SMTP_HOST`, `_PORT`, `_USER`, `_PASSWORD`, `_SECURITY` (`starttls`, `tls` or `none`), `_FROM`.

These targets are the operators' own choice and may be internal: unlike merchants' endpoints, private
addresses are allowed. They are read at every attempt, so what is missing is said where it is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, Literal, cast

import msgspec
from yarl import URL

from app.errors import ConfigurationError

SMTP: Final = "TALLYSTICK_SMTP_"
SECURITIES: Final = ("starttls", "tls", "none")
PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
MAILBOX: Final = re.compile(r"[^@\s<>,;]+@([^@\s<>,;]+)")


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Never to be logged: it holds a password."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None
    password: str | None
    sender: str

    @property
    def domain(self) -> str:
        """Of the sender: the right half of our Message-IDs."""
        return self.sender.rpartition("@")[2]


class AlertAccess:
    """Reads when asked. Raises ConfigurationError that names the variable, never its value."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    def url(self, channel: str) -> URL:
        name = f"{_prefix(channel)}_URL"
        text = self._environ.get(name, "").strip()
        if not text:
            raise ConfigurationError(f"{name} is not set")
        try:
            url = URL(text, encoded=True)
        except ValueError:
            raise ConfigurationError(f"{name} is no URL") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigurationError(f"{name} must begin with https:// or http://")
        return url

    def secret(self, channel: str) -> str:
        name = f"{_prefix(channel)}_SECRET"
        text = self._environ.get(name, "").strip()
        if not text.startswith("whsec_"):
            raise ConfigurationError(f"{name} is not set, or does not begin with whsec_")
        return text

    def mail_server(self) -> MailServer:
        host, sender = self._smtp("HOST"), self._smtp("FROM")
        if not host:
            raise ConfigurationError(f"{SMTP}HOST is not set")
        if not MAILBOX.fullmatch(sender):
            raise ConfigurationError(f"{SMTP}FROM must be a mail address")
        security = self._smtp("SECURITY") or "starttls"
        if security not in SECURITIES:
            raise ConfigurationError(f"{SMTP}SECURITY must be one of {', '.join(SECURITIES)}")
        return MailServer(
            host=host,
            port=self._port(security),
            security=cast(Literal["starttls", "tls", "none"], security),
            user=self._smtp("USER") or None,
            password=self._environ.get(f"{SMTP}PASSWORD") or None,
            sender=sender,
        )

    def _port(self, security: str) -> int:
        text = self._smtp("PORT") or str(PORTS[security])
        if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536):
            raise ConfigurationError(f"{SMTP}PORT must be a port number")
        return int(text)

    def _smtp(self, name: str) -> str:
        return self._environ.get(SMTP + name, "").strip()


def _prefix(channel: str) -> str:
    return f"TALLYSTICK_ALERT_{channel.upper().replace('-', '_')}"
