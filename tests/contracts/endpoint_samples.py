"""Samples of what merchants ask about their webhook endpoints, full and with the required fields only."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain import webhook_endpoint as w

ENDPOINT: Final[dict[str, Any]] = {"id": "we-c1", "merchant_id": "m-1", "endpoint_id": "we_1"}
URL: Final = "https://merchant.example/hooks"
EVENTS: Final = ("payment.*", "refund.failed")

ENDPOINTS_FULL: Final[tuple[msgspec.Struct, ...]] = (
    w.WebhookEndpointCreate(**ENDPOINT, url=URL, events=EVENTS),
    w.WebhookEndpointUpdate(**ENDPOINT, url=URL, events=EVENTS, enabled=True),
    w.WebhookEndpointRotate(**ENDPOINT, overlap_seconds=3_600),
    w.WebhookEndpointDisable(**ENDPOINT, reason="the endpoint answered 410 Gone"),
)
ENDPOINTS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    w.WebhookEndpointCreate(**ENDPOINT, url=URL),
    w.WebhookEndpointUpdate(**ENDPOINT),
    w.WebhookEndpointRotate(**ENDPOINT),
    w.WebhookEndpointDisable(**ENDPOINT),
)
