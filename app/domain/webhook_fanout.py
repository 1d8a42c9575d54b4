"""Every event of a merchant goes, by the same decision, to each of its endpoints that wants it.

The body is the event as it is on `payments.events`, written when it happens and never again: what is sent
late says what was true then. What a merchant without endpoints costs is one look at its row.
"""

from functools import lru_cache
from typing import Any, Final

import msgspec

from app.domain.decision import Draft
from app.domain.effects import EffectRequested, WebhookDelivery, webhook_target
from app.domain.event_base import Event
from app.domain.events import RequestRefused
from app.domain.merchant import Merchant, merchant_ref
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_EVENTS
from app.domain.webhook_endpoint import WebhookEndpoint

LARGEST_BODY_BYTES: Final = 64 * 1024
"""Of a larger event only the beginnings of its texts and lists are sent: as text inside of a record a body
may double, and what receivers accept is small. It is whole on `payments.events`."""
LONGEST_TEXT: Final = 500
LONGEST_LIST: Final = 20
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


def fan_out(draft: Draft) -> None:
    """Ask for the deliveries of the events that the draft sends; to be called once per draft, at its end."""
    events = [send.record for send in draft.sends if send.topic == PAYMENTS_EVENTS]
    if not events:
        return
    merchant: Merchant | None = draft.get(merchant_ref(draft.source.key))
    if merchant is None or not merchant.endpoints:
        return
    for event in events:
        _deliver(draft, merchant, event)


def _deliver(draft: Draft, merchant: Merchant, event: Any) -> None:
    kind: str = event.__struct_config__.tag
    wanting = [one for one in merchant.endpoints if not one.disabled and wants(one.events, kind)]
    body = body_of(event) if wanting else ""
    for endpoint in wanting:
        target = webhook_target(merchant.merchant_id, endpoint.id)
        draft.send(EFFECTS_REQUESTS, target, _request(target, merchant, endpoint, event, kind, body))


def _request(
    target: str, merchant: Merchant, endpoint: WebhookEndpoint, event: Event, kind: str, body: str
) -> EffectRequested:
    work = WebhookDelivery(
        merchant_id=merchant.merchant_id,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        event_id=event.id,
        event_type=kind,
        body=body,
        generation=endpoint.generation,
        previous_until=endpoint.previous_until,
    )
    return EffectRequested(
        id=delivery_id(event.id, endpoint.id),
        target=target,
        work=work,
        object=subject_of(event),
        seq=event.seq,
    )


def delivery_id(event_id: str, endpoint_id: str) -> str:
    return f"{event_id}/{endpoint_id}"


def subject_of(event: Any) -> str:
    """What the event's `seq` counts about; its deliveries to one endpoint keep their order."""
    if isinstance(event, RequestRefused):
        return f"request/{event.request_id}"
    for kind in ("payment", "payout"):
        if subject := getattr(event, f"{kind}_id", None):
            return f"{kind}/{subject}"
    return "merchant"


def body_of(event: Event) -> str:
    """The event as JSON, at most `LARGEST_BODY_BYTES`; `shortened` names the fields that are not whole."""
    body = _ENCODE(event)
    if len(body) > LARGEST_BODY_BYTES:
        body = _ENCODE(_shortened(msgspec.to_builtins(event)))
    return body.decode()


def _shortened(fields: dict[str, Any]) -> dict[str, Any]:
    short = {name: _cut(value) for name, value in fields.items()}
    return {**short, "shortened": [name for name, value in fields.items() if short[name] != value]}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, list | tuple):
        return type(value)([_cut(one) for one in value[:LONGEST_LIST]])
    if isinstance(value, dict):
        return {key: _cut(one) for key, one in list(value.items())[:LONGEST_LIST]}
    return value


@lru_cache(maxsize=4096)
def wants(patterns: tuple[str, ...], event_type: str) -> bool:
    """Whether an endpoint with these patterns is sent events of this type."""
    return any(matches(pattern, event_type) for pattern in patterns)


def matches(pattern: str, event_type: str) -> bool:
    if pattern.endswith("*"):
        return pattern == "*" or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
    return pattern == event_type
