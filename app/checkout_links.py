"""Addresses of our checkout page: a token in it names the payment, so a link needs no row and no key.

token = merchant . payment . mac, each in URL-safe base64; mac = HMAC-SHA256, cut to 128 bits, with a key made
of the installation's key secret (`TALLYSTICK_KEY_SECRET`, see `web/keys.py`). Nobody else can make one.
During a rotation of the secret old links go on working: the first one makes, any of them verifies.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.secret_file import secret_in_file
from app.settings import LOCAL_STACK

VARIABLE: Final = "TALLYSTICK_KEY_SECRET"
FILE_NAME: Final = "key-secret"
MAC_BYTES: Final = 16
LONGEST_TOKEN: Final = 2_000


class CheckoutLinks:
    """`base_url`: where the web is reached from outside, without a slash at its end."""

    def __init__(self, base_url: str, read_secrets: Callable[[], Sequence[str]]) -> None:
        self._base_url = base_url
        self._read_secrets = read_secrets

    def page_url(self, merchant_id: str, payment_id: str) -> str:
        return f"{self._base_url}/checkout/{self.token(merchant_id, payment_id)}"

    def return_url(self, merchant_id: str, payment_id: str) -> str:
        """Where the PSP sends the payer's browser; that it comes there confirms nothing."""
        return f"{self.page_url(merchant_id, payment_id)}/return"

    def token(self, merchant_id: str, payment_id: str) -> str:
        named = f"{_text(merchant_id.encode())}.{_text(payment_id.encode())}"
        return f"{named}.{_text(_mac(self._keys[0], named))}"

    def read(self, token: str) -> tuple[str, str] | None:
        """(merchant id, payment id) of a token that we made, else None."""
        named, _, mac = token.rpartition(".")
        if len(token) > LONGEST_TOKEN or not token.isascii() or not self._is_ours(named, mac):
            return None
        merchant, _, payment = named.partition(".")
        return _bytes(merchant).decode(), _bytes(payment).decode()

    def _is_ours(self, named: str, mac: str) -> bool:
        matches = [hmac.compare_digest(_text(_mac(key, named)), mac) for key in self._keys]
        return any(matches)

    @cached_property
    def _keys(self) -> list[bytes]:
        """Keys of their own, so that a token is never good for anything else that the secret signs."""
        return [
            hmac.digest(secret.encode(), b"tallystick checkout", "sha256") for secret in self._read_secrets()
        ]


def load_checkout_links(
    base_url: str, environ: Mapping[str, str] | None = None, folder: Path = LOCAL_STACK
) -> CheckoutLinks:
    """The secrets are looked for when the first link is made."""
    named = (os.environ if environ is None else environ).get(VARIABLE, "")
    several = [secret.strip() for secret in named.split(",") if secret.strip()]
    return CheckoutLinks(base_url, lambda: several or [secret_in_file(folder / FILE_NAME, VARIABLE)])


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), sha256).digest()[:MAC_BYTES]


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
