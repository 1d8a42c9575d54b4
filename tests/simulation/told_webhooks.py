"""What the sandbox PSP posts: facts with and without our ids, twice, out of order; what nobody can read.

Each lies in `psp.webhooks` as the web process stored it, raw body and the headers its adapter looks at.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.domain.streams import PSP_WEBHOOKS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing

if TYPE_CHECKING:
    from tests.simulation.generator import Generator
    from tests.simulation.told_payments import Payment

RECEIVED_AT: Final = "2026-11-20T12:00:00Z"
RECORDS: Final = {
    "authorized": "payment.authorized",
    "action_required": "payment.action_required",
    "failed": "payment.failed",
    "voided": "payment.voided",
    "expired": "payment.expired",
    "captured": "payment.record",
    "refunded": "refund.record",
    "refund_failed": "refund.failed",
    "dispute_opened": "dispute.opened",
    "dispute_won": "dispute.won",
    "dispute_lost": "dispute.lost",
}
"""Kind of fact -> the merchant lane's record of it."""
EVENTS: Final = RECORDS | {"captured": "payment.captured", "refunded": "refund.succeeded"}
"""Kind of fact -> the sandbox PSP's event."""
OURS: Final = ("capture_id", "refund_id", "dispute_id")
JUNK: Final = (
    b"",
    b"{",
    b"\xff\xfe{}",
    b'{"type":"payment.captured"}',
    b'{"type":"ping","timestamp":"2026-11-20T12:00:00Z"}',
    b'{"type":"payment.created","timestamp":"2026-11-20T12:00:00Z","data":{}}',
    b'{"type":"payment.teleported","timestamp":"2026-11-20T12:00:00Z","data":{}}',
    b'{"type":"payment.captured","timestamp":"2026-11-20T12:00:00Z","data":{"psp_payment_id":"pi_1"}}',
    b'{"type":"payment.captured","timestamp":"yesterday","data":{"psp_payment_id":"x","amount":1,"currency":"EUR"}}',
    b'{"type":"refund.succeeded","timestamp":"2026-11-20T12:00:00Z",'
    b'"data":{"psp_payment_id":"x","amount":1,"currency":"EUR"}}',
    b'{"type":"payment.captured","timestamp":"2026-11-20T12:00:00Z",'
    b'"data":{"psp_payment_id":"x\\u0000","amount":1,"currency":"EUR"}}',
)
_encode: Final = msgspec.json.Encoder().encode


def tell(
    told: Generator,
    place: float,
    payment: Payment,
    kind: str,
    amount: int,
    ids: dict[str, Any],
    occurred_at: str,
) -> None:
    """One event, some of them delivered again with another counter, under another id or with another sum."""
    data = _data(told, payment, amount, ids)
    event = {"type": EVENTS[kind], "timestamp": occurred_at, "data": data}
    message = told.new_id("msg_")
    _deliver(told, place, message, event)
    chance = told.rng.random()
    if chance < 0.1:
        _deliver(told, place + 0.05, message, {**event, "attempt": 2})
    elif chance < 0.18:
        _deliver(told, place + 0.05, told.new_id("msg_"), event)
    elif chance < 0.21 and not told.orderly:
        other = {**event, "data": {**data, "amount": amount + 1}}
        _deliver(told, place + 0.05, message if chance < 0.2 else told.new_id("msg_"), other)


def _data(told: Generator, payment: Payment, amount: int, ids: dict[str, Any]) -> dict[str, Any]:
    """With our ids as far as we gave them to the PSP: all, or none at all."""
    data: dict[str, Any] = {
        "psp_payment_id": payment.psp_id,
        "amount": amount,
        "currency": payment.currency,
    }
    objects = [name for name in ids if name.startswith("psp_")]
    if "fee" in ids:
        data["fee"] = ids["fee"]
    if objects:
        data["psp_object_id"] = ids[objects[0]]
    if told.chance(0.65):
        data |= {"merchant_id": payment.merchant, "payment_id": payment.id}
        data |= {name: ids[name] for name in OURS if name in ids}
        if payment.reference is not None:
            data["order_ref"] = payment.reference
    return data


def _deliver(told: Generator, place: float, message: str, event: dict[str, Any]) -> None:
    body = _encode(event).decode()
    record = {
        "type": "webhook.received",
        "psp": "sandbox",
        "headers": {"webhook-id": message},
        "body": body,
        "received_at": RECEIVED_AT,
    }
    told.say(place, PSP_WEBHOOKS, sha256(body.encode()).hexdigest(), record)


def tell_junk(told: Generator, place: float) -> None:
    """Bodies that bring no fact; what no adapter reads; what is no record of this topic at all."""
    rng = told.rng
    body = rng.choice(JUNK)
    record: dict[str, Any] = {
        "type": "webhook.received",
        "psp": rng.choice(("sandbox", "sandbox", "sandbox", "nobody")),
        "headers": {"webhook-id": told.new_id("msg_")},
        "received_at": RECEIVED_AT,
    }
    try:
        record["body"] = body.decode()
    except UnicodeDecodeError:
        record["body_base64"] = body
    value = _encode(record)
    if told.chance(0.15):
        value = value[: len(value) // 2]
    key = sha256(body).hexdigest().encode()
    partition = partition_for(key, told.partitions[PSP_WEBHOOKS])
    told.records.append((place, Outgoing(PSP_WEBHOOKS, partition, key, value)))
