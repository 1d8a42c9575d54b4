"""Posting alerts over HTTP: what Slack and other webhooks have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import aiohttp
from yarl import URL

from app.effects.kind import Outcome
from app.effects.retry_after import retry_after_seconds
from app.effects.webhook_delivery import printable, reason_of

TIMEOUT_SECONDS: Final = 10.0
MOST_READ_BYTES: Final = 4 * 1024
USER_AGENT: Final = "Tallystick-Alerts/1"
PASSING: Final = (408, 421, 425, 429)
"""Refusals that a repeat may not meet again; other 4xx are for ever."""


def open_alert_session(timeout_seconds: float = TIMEOUT_SECONDS) -> aiohttp.ClientSession:
    """No proxy, no cookies; the operators' own addresses may be internal, so none is refused."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Content-Type": "application/json"},
    )


async def post(
    session: aiohttp.ClientSession, url: URL, body: bytes, headers: Mapping[str, str] | None = None
) -> Outcome:
    """One attempt. Redirects are not followed: they may lead an address with a secret in it elsewhere."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            told = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
            text = printable((await response.content.read(MOST_READ_BYTES)).decode(errors="replace"))
            return judged(response.status, text, told)
    except TimeoutError:
        return Outcome(outcome="retry", reason="no complete answer in time")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Outcome(outcome="retry", reason=reason_of(error))


def judged(status: int, text: str, told: float | None) -> Outcome:
    """2xx: taken. Most 4xx: never will be. Everything else: not yet."""
    if 200 <= status < 300:
        return Outcome(outcome="done", status_code=status)
    if 300 <= status < 400:
        return Outcome(outcome="failed", status_code=status, reason="redirects are not followed")
    if 400 <= status < 500 and status not in PASSING:
        return Outcome(outcome="failed", status_code=status, reason=text or f"it answered {status}")
    reason = text or f"it answered {status}"
    return Outcome(outcome="retry", status_code=status, reason=reason, retry_after_seconds=told)
