"""Input that should not have been sent: broken bytes, wrong keys, forged timers, data no database keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.domain.streams import BANK_LINES, PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from app.lane.intake import FORWARDED

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

BROKEN: Final = (
    None,
    b"",
    b"  ",
    b"{",
    b"[]",
    b"\xff\xfe",
    b'{"id":"x"}',
    b'{"type":"payment.recorded","id":"x"}',
    b'{"type":"payment.record","id":"x","merchant_id":"m-1"}',
    b'{"type":"settlement.line","source":"acquirer-a"}',
    b'{"type":"payout.create","id":"x","merchant_id":"m-1","payout_id":"p","amount":1.5,"currency":"EUR"}',
    b'{"type":"payout.create","id":"x","merchant_id":"m/1","payout_id":"p","amount":1,"currency":"EUR"}',
)
_encode: Final = msgspec.json.Encoder().encode


def noise(told: Generator, place: float) -> tuple[float, Outgoing]:
    chance = told.rng.random()
    if chance < 0.35:
        return place, broken(told)
    if chance < 0.65:
        return place, _misdirected(told)
    if chance < 0.8:
        return place, _poison(told)
    return place, _forged_timer(told)


def broken(told: Generator) -> Outgoing:
    topic = told.rng.choice((PAYMENTS_COMMANDS, PAYMENTS_COMMANDS, SETTLEMENTS_LINES, BANK_LINES))
    partition = int(told.rng.random() * told.partitions[topic])
    return Outgoing(topic, partition, b"any", told.rng.choice(BROKEN))


def _payment(told: Generator, merchant: str) -> dict[str, Any]:
    payment = told.new_id("pay-")
    return {
        "type": "payment.record",
        "id": told.new_id("c"),
        "merchant_id": merchant,
        "payment_id": payment,
        "amount": 700,
        "currency": "EUR",
        "psp": "stripe",
        "psp_payment_id": f"pi_{payment}",
        "occurred_at": "2026-11-20T08:00:00Z",
    }


def _misdirected(told: Generator) -> Outgoing:
    """Right record, wrong key or wrong partition; some say that they were forwarded before."""
    rng = told.rng
    merchant = rng.choice(told.merchants)
    value = _encode(_payment(told, merchant))
    partitions = told.partitions[PAYMENTS_COMMANDS]
    headers = ((FORWARDED, b"payments.commands:0"),) if rng.random() < 0.2 else ()
    key = rng.choice((merchant.encode(), b"someone-else", None))
    partition = int(rng.random() * partitions)
    return Outgoing(PAYMENTS_COMMANDS, partition, key, value, headers)


def _poison(told: Generator) -> Outgoing:
    """Decodes well, but no text column takes a NUL."""
    merchant = told.rng.choice(told.merchants)
    record = _payment(told, merchant)
    if told.rng.random() < 0.5:
        record["id"] += "\x00"
    else:
        record["payment_id"] += "\x00"
    key = merchant.encode()
    partition = partition_for(key, told.partitions[PAYMENTS_COMMANDS])
    return Outgoing(PAYMENTS_COMMANDS, partition, key, _encode(record))


def _forged_timer(told: Generator) -> Outgoing:
    """A timer's record that no timer fired, some under an id that one will have."""
    rng = told.rng
    merchant = rng.choice(told.merchants)
    payment = f"pay-{1 + int(rng.random() * 60)}"
    record: dict[str, Any] = {"id": told.new_id("release/x/"), "merchant_id": merchant}
    if rng.random() < 0.7:
        record |= {"type": "funds.release", "payment_id": payment, "capture_id": payment}
    else:
        record = {"type": "parked.expire", "id": told.new_id("x"), "key": merchant, "subject": payment}
    key = merchant.encode()
    partition = partition_for(key, told.partitions[PAYMENTS_COMMANDS])
    return Outgoing(PAYMENTS_COMMANDS, partition, key, _encode(record))
