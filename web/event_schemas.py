"""What the API answers about events. Times are in UTC."""

from __future__ import annotations

from typing import Any

from app.domain.fields import Moment
from web.schemas import Answer


class Event(Answer, frozen=True, kw_only=True):
    """Something that happened. `sequence` counts from 1 upwards about one `object`, without gaps.

    `object`: payment/…, payout/…, request/… (one that was refused) or merchant. `data`: the event whole, as
    webhooks send it and as asyncapi.json describes it by its `type`.
    """

    id: str
    type: str
    merchant_id: str
    object: str
    sequence: int
    payment_id: str | None
    """The payment it speaks of, if any."""
    occurred_at: Moment
    created_at: Moment
    """When it was published."""
    data: dict[str, Any]


class EventPage(Answer, frozen=True, kw_only=True):
    """Newest first; of one payment by `sequence`. `next_cursor` is null exactly when `has_more` is false."""

    items: list[Event]
    has_more: bool
    next_cursor: str | None
