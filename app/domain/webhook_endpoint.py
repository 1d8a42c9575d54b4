"""A merchant's webhook endpoint, and the records by which a merchant sets it up.

Secrets are in neither: they are derived from the installation's own secret, the merchant, the endpoint and
its `generation` (`app/effects/secrets.py`), so that rotating one is counting up.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from app.domain.command_base import MerchantCommand
from app.domain.payment_requests import Url

EndpointId = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+(?![\\s\\S])")]
EventPattern = Annotated[
    str, Meta(min_length=1, max_length=100, pattern="^[a-z0-9_.]*[*a-z0-9_](?![\\s\\S])")
]
"""A type of event, all of one kind (`payment.*`), or `*`."""
EventPatterns = Annotated[tuple[EventPattern, ...], Meta(min_length=1, max_length=50)]

DAY_SECONDS = 24 * 60 * 60
EVERYTHING: tuple[str, ...] = ("*",)


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint as the merchant lane holds it, inside of its merchant."""

    id: str
    url: str
    events: tuple[str, ...] = EVERYTHING
    generation: int = 1
    """Of its secret; counts up by rotation."""
    previous_until: datetime | None = None
    """Until when the secret before signs as well."""
    disabled: bool = False
    disabled_because: str | None = None
    created_at: datetime
    version: int
    """Offset of the record that changed it last."""


class WebhookEndpointCommand(MerchantCommand, frozen=True, kw_only=True):
    endpoint_id: EndpointId


class WebhookEndpointCreate(WebhookEndpointCommand, frozen=True, kw_only=True, tag="webhook_endpoint.create"):
    """Request: send the merchant's events to `url` from now on."""

    url: Url
    events: EventPatterns = EVERYTHING


class WebhookEndpointUpdate(WebhookEndpointCommand, frozen=True, kw_only=True, tag="webhook_endpoint.update"):
    """Request: another address, other events, or on again. None leaves it as it is."""

    url: Url | None = None
    events: EventPatterns | None = None
    enabled: bool | None = None


class WebhookEndpointRotate(WebhookEndpointCommand, frozen=True, kw_only=True, tag="webhook_endpoint.rotate"):
    """Request: a new secret; the one before signs as well for `overlap_seconds`."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * DAY_SECONDS)] = DAY_SECONDS


class WebhookEndpointDisable(
    WebhookEndpointCommand, frozen=True, kw_only=True, tag="webhook_endpoint.disable"
):
    """Request of the merchant, or of the endpoint itself, which has answered 410: send it nothing more."""

    reason: Annotated[str, Meta(max_length=200)] | None = None
