"""Stripe's SDK over our own aiohttp session, with every way to fail told apart.

The SDK has an aiohttp client, but it makes one error of all that can happen to a connection, and lets a body
that breaks off through as an error of another library. Retries are the executor's alone: the SDK's are off.
So is its telemetry, which sends latencies and keeps an id in a file below HOME.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec
import stripe

from app.psp.adapter import Access
from app.psp.answers import BUSY, Answered, busy, ended, timeout_of

stripe.enable_telemetry = False
ADDRESS: Final = "https://api.stripe.com"


class Transport(stripe.HTTPClient):
    """What the SDK sends its requests through. Lets aiohttp's errors out; raises Answered."""

    name = "aiohttp"

    def __init__(self, session: aiohttp.ClientSession, timeout: aiohttp.ClientTimeout) -> None:
        super().__init__()
        self._session_in_use, self._timeout = session, timeout

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """A redirect is not followed: the key belongs to this address alone."""
        async with self._session_in_use.request(
            method, url, headers=headers, data=post_data, timeout=self._timeout, allow_redirects=False
        ) as response:
            body = await response.read()
            if response.status in BUSY:
                raise Answered(busy(response.status, response.headers))
            if not _is_readable(body):
                raise Answered(ended("unknown", f"HTTP {response.status}: no readable answer"))
            return body, response.status, response.headers

    async def close_async(self) -> None:
        """The session is not ours to close."""


class Readable(msgspec.Struct):
    """What the SDK can read; anything else, a gateway's page say, it answers with errors of Python's."""

    error: dict[str, Any] = {}


def _is_readable(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=Readable)
    except (ValueError, RecursionError):
        return False
    return True


def open_client(access: Access, session: aiohttp.ClientSession) -> stripe.StripeClient:
    """The SDK's client. `access.account`: a connected account, in whose name all is done."""
    return stripe.StripeClient(
        access.api_key,
        stripe_account=access.account,
        base_addresses={"api": (access.url or ADDRESS).rstrip("/")},
        max_network_retries=0,
        http_client=Transport(session, timeout_of(access)),
    )
