"""Secrets of merchants' webhook endpoints: derived whenever they are needed, kept nowhere.

secret = `whsec_` + base64(HMAC-SHA256(the installation's secret, "merchant/endpoint/generation")). So neither
a record nor a row holds one, rotation is counting up, and web and workers agree without talking. The
installation's secret comes from

* `TALLYSTICK_WEBHOOK_SIGNING_SECRET`: for production; the same for every web process and worker. Another
  value gives every endpoint another secret, so it is never changed lightly.
* unset: the file `webhook-signing-secret` in the local stack's folder, made once when it is first needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from app.errors import ConfigurationError
from app.secret_file import secret_in_file
from app.settings import LOCAL_STACK

VARIABLE: Final = "TALLYSTICK_WEBHOOK_SIGNING_SECRET"
FILE_NAME: Final = "webhook-signing-secret"
SHORTEST_SECRET: Final = 32


class EndpointSecrets:
    """Derives. `named`: the installation's secret; None: the one in `folder`, looked for at first use."""

    def __init__(self, named: str | None, folder: Path = LOCAL_STACK) -> None:
        if named is not None and len(named) < SHORTEST_SECRET:
            raise ConfigurationError(f"{VARIABLE} must have at least {SHORTEST_SECRET} characters")
        self._named = named
        self._folder = folder

    @cached_property
    def _master(self) -> bytes:
        return (self._named or secret_in_file(self._folder / FILE_NAME, VARIABLE)).encode()

    def secret(self, merchant_id: str, endpoint_id: str, generation: int) -> str:
        """As the merchant keeps it. Neither id can hold a slash, so no two endpoints share a text."""
        text = f"{merchant_id}/{endpoint_id}/{generation}".encode()
        digest = hmac.new(self._master, text, hashlib.sha256).digest()
        return f"whsec_{base64.b64encode(digest).decode()}"


def load_endpoint_secrets(
    environ: Mapping[str, str] | None = None, folder: Path = LOCAL_STACK
) -> EndpointSecrets:
    """Raises ConfigurationError for a secret that is too short."""
    named = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
    return EndpointSecrets(named or None, folder)
