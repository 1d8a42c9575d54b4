"""Webhook endpoints in tests of the rules: records that set them up, and the deliveries that come of it."""

from __future__ import annotations

from itertools import count
from typing import Any

from app.domain.effects import EffectRequested, WebhookDelivery
from app.domain.streams import EFFECTS_REQUESTS
from tests.support.domain import Books, Outcome, record
from tests.support.facts import MERCHANT

URL = "https://merchant.example/hooks"
_ids = count()


def endpoint_record(verb: str, endpoint_id: str = "we_1", **fields: Any) -> Any:
    known = {"type": f"webhook_endpoint.{verb}", "id": f"we-{next(_ids)}", "merchant_id": MERCHANT}
    return record(**{**known, "endpoint_id": endpoint_id, **fields})


def create_endpoint(books: Books, endpoint_id: str = "we_1", **fields: Any) -> Outcome:
    return books.send(endpoint_record("create", endpoint_id, **{"url": URL, **fields}))


def endpoints_in(books: Books) -> dict[str, Any]:
    merchant = next(row for ref, row in books.of_kind("merchant") if ref.key == (MERCHANT,))
    return {endpoint.id: endpoint for endpoint in merchant.endpoints}


def deliveries(books: Books, endpoint_id: str | None = None) -> list[EffectRequested]:
    """What was asked of the executor, in order."""
    asked = [send.record for send in books.sends if send.topic == EFFECTS_REQUESTS]
    webhooks = [effect for effect in asked if isinstance(effect.work, WebhookDelivery)]
    return [effect for effect in webhooks if endpoint_id in (None, effect.work.endpoint_id)]


def delivered_types(books: Books, endpoint_id: str | None = None) -> list[str]:
    return [work.event_type for effect in deliveries(books, endpoint_id) if (work := effect.work)]  # type: ignore[union-attr]
