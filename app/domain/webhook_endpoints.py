"""Webhook endpoints as a merchant sets them up: at most twenty live ones, over https, known to the lane only.

`http` is for this machine itself (development): whether an address there may be reached at all is decided
again when something is sent (`app/effects/public_addresses.py`).
"""

from datetime import timedelta
from functools import cache
from typing import Final, get_args
from urllib.parse import urlsplit

from msgspec.structs import replace

from app.domain.decision import Draft, Refused
from app.domain.events import (
    PaymentsEvent,
    WebhookEndpointCreated,
    WebhookEndpointDisabled,
    WebhookEndpointEvent,
    WebhookEndpointRotated,
    WebhookEndpointUpdated,
)
from app.domain.merchant import Merchant, known_merchant, merchant_ref
from app.domain.streams import PAYMENTS_EVENTS
from app.domain.webhook_endpoint import (
    WebhookEndpoint,
    WebhookEndpointCommand,
    WebhookEndpointCreate,
    WebhookEndpointDisable,
    WebhookEndpointRotate,
    WebhookEndpointUpdate,
)
from app.domain.webhook_fanout import matches

MOST_LIVE: Final = 20
MOST_KEPT: Final = 60
"""With disabled ones, which stay readable; the one that was changed least lately makes room."""
LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "::1")


def create_endpoint(draft: Draft, command: WebhookEndpointCreate) -> None:
    merchant = known_merchant(draft, command.merchant_id)
    if _find(merchant, command.endpoint_id):
        raise Refused("webhook_endpoint_exists", f"{command.endpoint_id} is an endpoint already")
    _check_url(command.url)
    _check_events(command.events)
    _check_room(merchant)
    endpoint = WebhookEndpoint(
        id=command.endpoint_id,
        url=command.url,
        events=command.events,
        created_at=draft.now,
        version=draft.source.offset,
    )
    _keep(draft, merchant, endpoint, WebhookEndpointCreated)


def update_endpoint(draft: Draft, command: WebhookEndpointUpdate) -> None:
    merchant, endpoint = _found(draft, command)
    if command.url is not None:
        _check_url(command.url)
    if command.events is not None:
        _check_events(command.events)
    if command.enabled and endpoint.disabled:
        _check_room(merchant)
    disabled = endpoint.disabled if command.enabled is None else not command.enabled
    changed = replace(
        endpoint,
        url=command.url if command.url is not None else endpoint.url,
        events=command.events if command.events is not None else endpoint.events,
        disabled=disabled,
        disabled_because=endpoint.disabled_because if disabled else None,
    )
    _keep(draft, merchant, changed, WebhookEndpointUpdated)


def rotate_secret(draft: Draft, command: WebhookEndpointRotate) -> None:
    """Only the last secret overlaps: one before it stops at once."""
    merchant, endpoint = _found(draft, command)
    until = draft.now + timedelta(seconds=command.overlap_seconds) if command.overlap_seconds else None
    changed = replace(endpoint, generation=endpoint.generation + 1, previous_until=until)
    _keep(draft, merchant, changed, WebhookEndpointRotated)


def disable_endpoint(draft: Draft, command: WebhookEndpointDisable) -> None:
    merchant, endpoint = _found(draft, command)
    changed = replace(endpoint, disabled=True, disabled_because=command.reason)
    _keep(draft, merchant, changed, WebhookEndpointDisabled)


def _found(draft: Draft, command: WebhookEndpointCommand) -> tuple[Merchant, WebhookEndpoint]:
    merchant: Merchant | None = draft.get(merchant_ref(command.merchant_id))
    endpoint = _find(merchant, command.endpoint_id) if merchant else None
    if merchant is None or endpoint is None:
        raise Refused("webhook_endpoint_unknown", f"{command.endpoint_id} is no endpoint of the merchant")
    return merchant, endpoint


def _find(merchant: Merchant, endpoint_id: str) -> WebhookEndpoint | None:
    return next((endpoint for endpoint in merchant.endpoints if endpoint.id == endpoint_id), None)


def _keep(
    draft: Draft, merchant: Merchant, endpoint: WebhookEndpoint, event: type[WebhookEndpointEvent]
) -> None:
    """In the order of their creation; says so in an event, which goes to the endpoints like any other."""
    endpoint = replace(endpoint, version=draft.source.offset)
    others = [other for other in merchant.endpoints if other.id != endpoint.id]
    endpoints = sorted([*_with_room(others), endpoint], key=lambda one: (one.created_at, one.id))
    merchant = replace(merchant, endpoints=tuple(endpoints), seq=merchant.seq + 1)
    draft.put(merchant_ref(merchant.merchant_id), merchant)
    told = event(
        id=draft.next_id(),
        seq=merchant.seq,
        merchant_id=merchant.merchant_id,
        occurred_at=draft.now,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        generation=endpoint.generation,
        disabled=endpoint.disabled,
        reason=endpoint.disabled_because,
    )
    draft.send(PAYMENTS_EVENTS, merchant.merchant_id, told)


def _with_room(endpoints: list[WebhookEndpoint]) -> list[WebhookEndpoint]:
    if len(endpoints) < MOST_KEPT:
        return endpoints
    oldest = min((one for one in endpoints if one.disabled), key=lambda one: one.version)
    return [one for one in endpoints if one is not oldest]


def _check_room(merchant: Merchant) -> None:
    if sum([not endpoint.disabled for endpoint in merchant.endpoints]) >= MOST_LIVE:
        raise Refused("webhook_endpoint_limit", f"a merchant has at most {MOST_LIVE} live endpoints")


def _check_url(url: str) -> None:
    """Only what every reader of URLs understands alike."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("webhook_url_invalid", "the URL must be printable ASCII without blanks or backslashes")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refused("webhook_url_invalid", str(error)) from None
    if not host or parts.fragment:
        raise Refused("webhook_url_invalid", "the URL must have a host and no fragment")
    if "@" in parts.netloc:
        raise Refused("webhook_url_credentials", "the URL must not hold a user name or password")
    if parts.scheme != "https" and host not in LOOPBACK_HOSTS:
        raise Refused("webhook_https_required", "the URL must begin with https://")


def _check_events(patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        if not any(matches(pattern, name) for name in event_types()):
            raise Refused("webhook_event_unknown", f"no event is called {pattern!r}")


@cache
def event_types() -> tuple[str, ...]:
    """Every type of event there is."""
    return tuple(sorted(str(event.__struct_config__.tag) for event in get_args(PaymentsEvent)))
