"""The demo's webhooks without a web process: as the records that the ingress makes of those it believes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from app.contracts.codec import encode
from app.demo.stream import Event, Record, Webhook
from app.domain.streams import PSP_WEBHOOKS
from app.domain.webhooks import WebhookReceived, received_body


def stored(events: Iterable[Event], start: datetime) -> Iterator[Record]:
    """The same events at the same times, all of them records; `start`: the time of `event.at == 0`."""
    for event in events:
        if isinstance(event, Record):
            yield event
        elif not event.forged:
            yield _stored(event, start + timedelta(seconds=event.at))


def _stored(webhook: Webhook, at: datetime) -> Record:
    headers = {"webhook-id": webhook.event_id} if webhook.psp == "sandbox" else {}
    body: dict[str, Any] = received_body(webhook.body)
    value = encode(WebhookReceived(psp=webhook.psp, headers=headers, received_at=at, **body))
    return Record(webhook.at, PSP_WEBHOOKS, sha256(webhook.body).hexdigest(), value)
