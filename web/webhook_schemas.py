"""What the API takes and answers about merchants' webhook endpoints and their deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from app.domain.effect import Effect
from app.domain.effects import WebhookDelivery as DeliveryWork
from app.domain.fields import Moment
from app.domain.webhook_endpoint import DAY_SECONDS, EventPatterns
from app.domain.webhook_endpoint import WebhookEndpoint as DomainEndpoint
from web.request_fields import PageUrl
from web.schemas import Answer

DeliveryStatus = Literal["pending", "delivered", "failed"]
STATUSES: dict[DeliveryStatus, tuple[str, ...]] = {
    "pending": ("ready", "waiting"),
    "delivered": ("done",),
    "failed": ("dead",),
}
"""What a merchant sees -> the effect's own."""


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`events`: types of events (`payment.captured`), all of one kind (`payment.*`), or `*`."""

    url: PageUrl
    events: EventPatterns = ("*",)


class ChangedEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. `enabled` true switches a disabled endpoint on again."""

    url: PageUrl | None = None
    events: EventPatterns | None = None
    enabled: bool | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For `overlap_seconds` both secrets sign; with 0 the old one stops at once."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * DAY_SECONDS)] = DAY_SECONDS


class ReplaySince(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send again what was given up, of events from `since` on (and before `until`)."""

    since: Moment
    until: Moment | None = None


class WebhookEndpoint(Answer, frozen=True, kw_only=True):
    """`status`: enabled or disabled. `secret`: only where it was just made or rotated, else null."""

    id: str
    merchant_id: str
    url: str
    events: list[str]
    status: str
    disabled_because: str | None
    secret: str | None
    secret_generation: int
    previous_secret_until: Moment | None
    """Until then the secret before it signs as well."""
    created_at: Moment


class WebhookEndpointList(Answer, frozen=True, kw_only=True):
    """All of a merchant's, the oldest first. There are never many, so there are no pages."""

    items: list[WebhookEndpoint]


class WebhookAttempt(Answer, frozen=True, kw_only=True):
    """`status_code`: null where there was no answer; `reason` then says why."""

    number: int
    at: Moment
    delivered: bool
    status_code: int | None
    reason: str | None
    took_ms: int


class WebhookDelivery(Answer, frozen=True, kw_only=True):
    """One event on its way to one endpoint. `attempts`: all; `recent`: the last ten, oldest first."""

    event_id: str
    event_type: str
    object: str
    sequence: int
    status: DeliveryStatus
    reason: str | None
    attempts: int
    next_attempt_at: Moment | None
    created_at: Moment
    recent: list[WebhookAttempt]


class WebhookDeliveryPage(Answer, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[WebhookDelivery]
    has_more: bool
    next_cursor: str | None


class WebhookDeliveryDetail(WebhookDelivery, frozen=True, kw_only=True):
    """`body`: exactly what is sent."""

    body: str


class Replayed(Answer, frozen=True, kw_only=True):
    """`count` deliveries are sent again; with `has_more` there are more: ask again with another key."""

    count: int
    has_more: bool


def endpoint_of(merchant_id: str, endpoint: DomainEndpoint, secret: str | None = None) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=endpoint.id,
        merchant_id=merchant_id,
        url=endpoint.url,
        events=list(endpoint.events),
        status="disabled" if endpoint.disabled else "enabled",
        disabled_because=endpoint.disabled_because,
        secret=secret,
        secret_generation=endpoint.generation,
        previous_secret_until=endpoint.previous_until,
        created_at=endpoint.created_at,
    )


def delivery_of(effect: Effect) -> WebhookDelivery:
    return WebhookDelivery(**_fields(effect))


def detail_of(effect: Effect) -> WebhookDeliveryDetail:
    return WebhookDeliveryDetail(**_fields(effect), body=_work(effect).body)


def _fields(effect: Effect) -> dict[str, Any]:
    work = _work(effect)
    return {
        "event_id": work.event_id,
        "event_type": work.event_type,
        "object": effect.object,
        "sequence": effect.seq,
        "status": next(name for name, those in STATUSES.items() if effect.status in those),
        "reason": effect.reason,
        "attempts": effect.attempts,
        "next_attempt_at": effect.next_at,
        "created_at": effect.created_at,
        "recent": [
            WebhookAttempt(
                number=tried.number,
                at=tried.at,
                delivered=tried.outcome == "done",
                status_code=tried.status_code,
                reason=tried.reason,
                took_ms=tried.ms,
            )
            for tried in effect.recent
        ],
    }


def _work(effect: Effect) -> DeliveryWork:
    assert isinstance(effect.work, DeliveryWork)
    return effect.work
