"""Deliveries of webhooks by themselves, without lane and executor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, Final

from aiohttp.abc import AbstractResolver

from app.domain.effects import WebhookDelivery
from app.domain.webhook_endpoint import WebhookEndpoint
from app.effects.kind import Attempt
from app.effects.public_addresses import PublicAddresses
from app.effects.secrets import EndpointSecrets
from app.effects.webhook_delivery import WebhookDeliveries

NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRETS: Final = EndpointSecrets("an installation's secret, for tests only")
LOOPBACK: Final = PublicAddresses((ip_network("127.0.0.0/8"),))


class KnownEndpoints:
    """Endpoints as the merchant lane would have them."""

    def __init__(self) -> None:
        self.now: dict[tuple[str, str], WebhookEndpoint] = {}

    async def find(self, merchant_id: str, endpoint_id: str) -> WebhookEndpoint | None:
        return self.now.get((merchant_id, endpoint_id))

    def put(self, url: str, **fields: Any) -> None:
        known = {"id": "we_1", "url": url, "created_at": NOW, "version": 1}
        endpoint = WebhookEndpoint(**{**known, **fields})
        self.now["m-1", endpoint.id] = endpoint


@asynccontextmanager
async def delivering(
    endpoints: KnownEndpoints | None = None,
    addresses: PublicAddresses = LOOPBACK,
    timeout_seconds: float = 5.0,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[WebhookDeliveries]:
    find = (endpoints or KnownEndpoints()).find
    kind = WebhookDeliveries(SECRETS, addresses, find, timeout_seconds, resolver)
    try:
        yield kind
    finally:
        await kind.close()


def attempt(
    url: str, number: int = 1, *, seq: int = 1, object: str = "payment/pay-1", **work: Any
) -> Attempt:
    """An attempt to send event `pc.0.7.<seq>` to merchant m-1's endpoint we_1 at `url`."""
    event_id = f"pc.0.7.{seq}"
    known = {"merchant_id": "m-1", "endpoint_id": "we_1", "url": url, "event_id": event_id}
    body = f'{{"type":"payment.captured","id":"{event_id}","note":"é \\u2028"}}'
    return Attempt(
        effect_id=f"{event_id}/we_1",
        target="webhook:m-1/we_1",
        object=object,
        seq=seq,
        number=number,
        work=WebhookDelivery(**{**known, "event_type": "payment.captured", "body": body, **work}),
        requested_at=NOW,
    )
