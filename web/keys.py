"""API keys as texts: how one is made, and the keyed hash that is all the database holds of it.

A key is `tally_<id>_<secret>`; the id (public, in lists and logs) finds the row, the secret has 256 random
bits. The hash is BLAKE2b keyed with a secret of the installation, so that someone who can only write to the
database cannot make a key that works. Where that secret comes from:

* `TALLYSTICK_KEY_SECRET`: for production; the same for every web process and for `keys create`. Several,
  comma-separated, during a rotation: new keys use the first, existing ones are accepted with any.
* unset: the file `key-secret` in the local stack's folder, made once, readable by its owner only. It is
  deliberately *not* in the database. On another machine keys made with it do not work.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from app.errors import ConfigurationError
from app.secret_file import secret_in_file
from app.settings import LOCAL_STACK

VARIABLE: Final = "TALLYSTICK_KEY_SECRET"
FILE_NAME: Final = "key-secret"
SHORTEST_SECRET: Final = 32
TOKEN: Final = re.compile(r"tally_([0-9a-f]{12})_[0-9a-f]{64}")


class NewKey(NamedTuple):
    """`token` is shown once and kept nowhere."""

    id: str
    token: str


def make_key() -> NewKey:
    key_id = secrets.token_hex(6)
    return NewKey(key_id, f"tally_{key_id}_{secrets.token_hex(32)}")


def key_id_of(token: str) -> str | None:
    """The id inside a token; None when the text is no token of ours."""
    match = TOKEN.fullmatch(token)
    return match.group(1) if match else None


class KeyHasher:
    """Hashes tokens with the installation's secrets: the first one makes, any of them verifies."""

    def __init__(self, installation_secrets: Sequence[str]) -> None:
        for secret in installation_secrets:
            if len(secret) < SHORTEST_SECRET:
                raise ConfigurationError(f"{VARIABLE} must have at least {SHORTEST_SECRET} characters")
        if not installation_secrets:
            raise ConfigurationError(f"{VARIABLE} is empty")
        # BLAKE2b takes keys up to 64 bytes: longer secrets are condensed first.
        self._keys = [hashlib.blake2b(secret.encode()).digest() for secret in installation_secrets]

    def hash(self, token: str) -> bytes:
        """32 bytes for the database."""
        return self._digest(self._keys[0], token)

    def verify(self, token: str, stored: bytes) -> bool:
        """In constant time per secret."""
        matches = [hmac.compare_digest(self._digest(key, token), stored) for key in self._keys]
        return any(matches)

    def mac(self, purpose: bytes, text: str) -> str:
        """Vouches for a text that comes back to us. `purpose`: at most 16 bytes; no other's fits."""
        return self._mac(self._keys[0], purpose, text)

    def is_mac(self, purpose: bytes, text: str, mac: str) -> bool:
        matches = [
            hmac.compare_digest(self._mac(key, purpose, text).encode(), mac.encode()) for key in self._keys
        ]
        return any(matches)

    @staticmethod
    def _mac(key: bytes, purpose: bytes, text: str) -> str:
        return hashlib.blake2b(text.encode(), key=key, digest_size=32, person=purpose).hexdigest()

    @staticmethod
    def _digest(key: bytes, token: str) -> bytes:
        return hashlib.blake2b(token.encode(), key=key, digest_size=32).digest()


def load_hasher(environ: Mapping[str, str] | None = None, folder: Path = LOCAL_STACK) -> KeyHasher:
    """From the environment, else from the file in `folder`, which is made when it is not there."""
    named = (os.environ if environ is None else environ).get(VARIABLE, "")
    if named.strip():
        return KeyHasher([secret.strip() for secret in named.split(",") if secret.strip()])
    return KeyHasher([secret_in_file(folder / FILE_NAME, VARIABLE)])
