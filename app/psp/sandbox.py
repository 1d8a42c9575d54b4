"""The sandbox PSP: Standard Webhooks signatures around facts in our own words.

Signed is `{webhook-id}.{webhook-timestamp}.{body}` with the base64 secret after `whsec_`; several signatures
stand in one header, separated by blanks (specification: standard-webhooks/standard-webhooks, spec 1.0.0).
The body is `{"type": "payment.captured", "timestamp": RFC 3339, "data": {…}}`; amounts are ISO minor units.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.psp_facts import PspFactKind
from app.psp.adapter import Adapter, EventIgnored, Headers, Parsed, Unreadable, why_ignored
from app.psp.reading import decode, fact, minor_units, ours
from app.psp.sandbox_answers import NAME
from app.psp.sandbox_calls import connect
from app.psp.signatures import any_equal, is_fresh, sha256_base64

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
PREFIX: Final = "whsec_"
VERSION: Final = "v1,"

KINDS: Final[Mapping[str, tuple[PspFactKind, str]]] = {
    "payment.authorized": ("authorized", ""),
    "payment.action_required": ("action_required", ""),
    "payment.failed": ("failed", ""),
    "payment.voided": ("voided", ""),
    "payment.expired": ("expired", ""),
    "payment.captured": ("captured", "capture_id"),
    "refund.succeeded": ("refunded", "refund_id"),
    "refund.failed": ("refund_failed", "refund_id"),
    "dispute.opened": ("dispute_opened", "dispute_id"),
    "dispute.won": ("dispute_won", "dispute_id"),
    "dispute.lost": ("dispute_lost", "dispute_id"),
    "payout.paid": ("payout_paid", "payout_id"),
    "payout.failed": ("payout_failed", "payout_id"),
    "payout.returned": ("payout_returned", "payout_id"),
}
"""Event type -> kind of fact, and which of our ids names the object."""
IGNORED: Final = {
    "ping": "a test of the connection",
    "payment.created": "nothing has happened to money yet",
}


class Data(msgspec.Struct, frozen=True):
    psp_payment_id: str
    amount: int
    currency: str
    psp_object_id: str | None = None
    fee: int = 0
    reason: str | None = None
    method: str | None = None


class Event(msgspec.Struct, frozen=True):
    type: str
    timestamp: datetime
    data: msgspec.Raw = msgspec.Raw(b"{}")


def key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    decoded = base64.b64decode(encoded, validate=True)
    if not decoded or base64.b64encode(decoded).decode() != encoded:
        raise ValueError("the secret must be base64, as in whsec_…")
    return decoded


def verify(headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> bool:
    message_id, timestamp, claimed = (headers.get(name, "") for name in HEADERS)
    if not message_id or not is_fresh(timestamp, now):
        return False
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    signatures = [part.removeprefix(VERSION) for part in claimed.split(" ") if part.startswith(VERSION)]
    return any_equal(signatures, [sha256_base64(each, signed) for each in keys])


def parse(headers: Headers, body: bytes) -> Parsed:
    event = decode(body, Event)
    reason = why_ignored(IGNORED, event.type)
    if reason is not None:
        raise EventIgnored(f"{event.type}: {reason}")
    if event.type not in KINDS:
        raise Unreadable(f"type: {event.type!r} is not known")
    kind, own_id = KINDS[event.type]
    data = decode(event.data, Data, "$.data")
    metadata: dict[str, Any] = decode(event.data, dict[str, Any], "$.data")
    found = fact(
        kind=kind,
        psp=NAME,
        psp_payment_id=data.psp_payment_id,
        psp_object_id=data.psp_object_id,
        amount=minor_units(data.amount, data.currency, {}),
        currency=data.currency,
        occurred_at=event.timestamp,
        fee=data.fee,
        reason=data.reason,
        method=data.method,
        **named(kind, ours(metadata, own_id)),
    )
    return [(headers.get("webhook-id", ""), found)]


def named(kind: PspFactKind, ids: dict[str, Any]) -> dict[str, Any]:
    """Our ids as a fact has them: a payout stands where otherwise the payment does."""
    if kind.startswith("payout"):
        return {**ids, "payment_id": ids["object_id"], "object_id": None}
    return ids


ADAPTER: Final = Adapter(
    name=NAME, headers=HEADERS, key=key, verify=verify, parse=parse, ignored=IGNORED, connect=connect
)
