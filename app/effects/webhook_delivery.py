"""The kind `webhook.delivery`: one event, signed, to one merchant's endpoint (Standard Webhooks 1.0.0).

What is sent is the stored body, byte for byte; `webhook-id` is the event's id in every attempt and replay.
Where it goes and what signs it is the endpoint's as it is now, since a late attempt must neither go to an
address the merchant has left nor be signed by a secret it has thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver
from msgspec.structs import replace
from standardwebhooks import Webhook
from yarl import URL

from app.domain.effects import WebhookDelivery
from app.domain.streams import PAYMENTS_COMMANDS
from app.domain.webhook_endpoint import WebhookEndpoint, WebhookEndpointDisable
from app.effects.kind import Answer, Attempt, Outcome
from app.effects.outbound import open_session
from app.effects.public_addresses import AddressRefused, PublicAddresses
from app.effects.retry_after import retry_after_seconds
from app.effects.secrets import EndpointSecrets

TIMEOUT_SECONDS: Final = 10.0
MOST_READ_BYTES: Final = 64 * 1024
LONGEST_REASON: Final = 200
GONE: Final = 410
USER_AGENT: Final = "Tallystick-Webhooks/1"

FindEndpoint = Callable[[str, str], Awaitable[WebhookEndpoint | None]]
"""(merchant id, endpoint id) -> the endpoint as it is now; None where that is not known."""


class WebhookDeliveries:
    """Delivers. Connections are kept alive and bounded by the executor, which bounds the attempts."""

    def __init__(
        self,
        secrets: EndpointSecrets,
        addresses: PublicAddresses,
        find_endpoint: FindEndpoint,
        timeout_seconds: float = TIMEOUT_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._secrets = secrets
        self._find = find_endpoint
        self._session = open_session(addresses, timeout_seconds, resolver)

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, WebhookDelivery):
            raise TypeError(f"{type(work).__name__} is no webhook delivery")
        endpoint = await self._find(work.merchant_id, work.endpoint_id)
        if endpoint is not None and endpoint.disabled:
            return Outcome(outcome="failed", reason="the endpoint is disabled", healthy=True)
        work = as_of_now(work, endpoint)
        try:
            return await self._post(work, attempt)
        except TimeoutError:
            return Outcome(outcome="retry", reason="no complete answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(outcome="retry", reason=reason_of(error))

    async def close(self) -> None:
        await self._session.close()

    async def _post(self, work: WebhookDelivery, attempt: Attempt) -> Outcome:
        now = datetime.now(UTC)
        async with self._session.post(
            URL(work.url, encoded=True),
            data=work.body.encode(),
            headers=self._headers(work, attempt, now),
            allow_redirects=False,
        ) as response:
            told = retry_after_seconds(response.headers.get("Retry-After"), now)
            text = await _beginning(response)
        return _outcome(work, attempt, response.status, text, told)

    def _headers(self, work: WebhookDelivery, attempt: Attempt, now: datetime) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "webhook-id": work.event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(self._signatures(work, now)),
            "tallystick-object": quote(attempt.object, safe="/:@"),
            "tallystick-sequence": str(attempt.seq),
        }

    def _signatures(self, work: WebhookDelivery, now: datetime) -> Iterator[str]:
        for generation in live_generations(work, now):
            secret = self._secrets.secret(work.merchant_id, work.endpoint_id, generation)
            yield Webhook(secret).sign(work.event_id, now, work.body)


def as_of_now(work: WebhookDelivery, endpoint: WebhookEndpoint | None) -> WebhookDelivery:
    """The delivery to where its endpoint is now; as it was asked for where that is not known (yet)."""
    if endpoint is None or endpoint.generation < work.generation:
        return work
    return replace(
        work, url=endpoint.url, generation=endpoint.generation, previous_until=endpoint.previous_until
    )


def live_generations(work: WebhookDelivery, now: datetime) -> list[int]:
    """Newest first."""
    overlaps = work.generation > 1 and work.previous_until is not None and now < work.previous_until
    return [work.generation, work.generation - 1] if overlaps else [work.generation]


def _outcome(work: WebhookDelivery, attempt: Attempt, status: int, text: str, told: float | None) -> Outcome:
    if 200 <= status < 300:
        return Outcome(outcome="done", status_code=status)
    if status == GONE:
        reason = "the endpoint answered 410 Gone and was disabled"
        return Outcome(
            outcome="failed", status_code=status, reason=reason, answers=(_disable(work, attempt),)
        )
    reason = "redirects are not followed" if 300 <= status < 400 else text
    return Outcome(outcome="retry", status_code=status, reason=reason or None, retry_after_seconds=told)


def _disable(work: WebhookDelivery, attempt: Attempt) -> Answer:
    record = WebhookEndpointDisable(
        id=f"gone/{attempt.effect_id}"[:200],
        merchant_id=work.merchant_id,
        endpoint_id=work.endpoint_id,
        reason="the endpoint answered 410 Gone",
    )
    return Answer(PAYMENTS_COMMANDS, work.merchant_id, record)


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """What people are shown of an answer. The rest is read as well, so that the connection can be used again,
    unless there is much of it; the status counts even where the body never ends."""
    data = b""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(1.0):
            while len(data) < MOST_READ_BYTES and (chunk := await response.content.readany()):
                data += chunk
    return printable(data[: LONGEST_REASON * 4].decode(errors="replace"))


def printable(text: str) -> str:
    """On one line, at most 200 characters, nothing that a terminal or database takes for more than text."""
    return "".join(c if c.isprintable() else " " for c in text)[:LONGEST_REASON].strip()


def reason_of(error: BaseException) -> str:
    """For the merchant: what failed, not where inside of our network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name could not be resolved"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the endpoint's certificate is not valid"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection to the endpoint"
    return printable(f"no answer: {type(error).__name__}")
