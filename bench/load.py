"""Payments to measure with: seeded, about 300 bytes each, some of them repeats."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing

PARTITIONS: Final = 8
MERCHANTS: Final = 1_000
REPEATS: Final = 0.05
BIG_SHARE: Final = 0.9
"""Of the traffic, when one merchant has most of it."""
CURRENCY: Final = "EUR"
PSP: Final = "stripe"
PSP_BPS: Final = 290
PSP_FIXED: Final = 30
"""The PSP's fee: basis points, and minor units per payment."""
REFERENCES: Final = 2
"""Identities of a payment besides the PSP's own: its order and its own id."""


class Load(NamedTuple):
    """What is sent and what must come of it; `amount` in minor units, each payment once."""

    records: list[Outgoing]
    payments: int
    repeats: int
    amount: int


def opening(references: bool = True, sources: Mapping[str, Any] | None = None) -> list[Outgoing]:
    """The platform's configuration in every lane partition, and the merchants.

    `references`: whether lines may name our order or payment; `sources`: as in `platform.configure`.
    """
    platform = {
        "type": "platform.configure",
        "id": "platform",
        "psps": {
            PSP: {"fee_plan": {"bps": PSP_BPS, "fixed": {CURRENCY: PSP_FIXED}}, "references": references}
        },
        "sources": sources or {},
        "default_plan": {"bps": 350, "fixed": {CURRENCY: 25}},
    }
    value = orjson.dumps(platform)
    lanes = [
        (topic, number) for topic in (PAYMENTS_COMMANDS, MATCHING_COMMANDS) for number in range(PARTITIONS)
    ]
    configured = [Outgoing(topic, number, b"platform", value) for topic, number in lanes]
    return configured + [_merchant(number) for number in range(MERCHANTS)]


def _merchant(number: int) -> Outgoing:
    document = {
        "type": "merchant.configure",
        "id": f"configure-{number}",
        "merchant_id": f"m-{number}",
        "settlement_currency": CURRENCY,
    }
    return _outgoing(f"m-{number}", orjson.dumps(document))


def make_load(records: int, *, skewed: bool, seed: int) -> Load:
    """`records` payments, REPEATS of them sent before; `skewed`: BIG_SHARE of them of one merchant."""
    chance = random.Random(seed)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made: list[Outgoing] = []
    payments = amount = 0
    while len(made) < records:
        if made and chance.random() < REPEATS:
            made.append(chance.choice(made))
            continue
        big = skewed and chance.random() < BIG_SHARE
        merchant = 0 if big else chance.randrange(MERCHANTS)
        cents = chance.randrange(500, 50_000)
        made.append(payment(payments, merchant, cents, now))
        payments += 1
        amount += cents
    return Load(made, payments, records - payments, amount)


def payment(number: int, merchant: int, cents: int, now: str) -> Outgoing:
    """A payment of `cents` minor units at `now`, RFC 3339; its ids are its number's."""
    text = (
        f'{{"type":"payment.record","id":"c{number}","merchant_id":"m-{merchant}","payment_id":"pay-{number}",'
        f'"amount":{cents},"currency":"{CURRENCY}","psp":"{PSP}","psp_payment_id":"pi_{number}",'
        f'"method":"card","order_ref":"o-{number}","occurred_at":"{now}","payer":{{"id":"c-{number % 997}",'
        f'"email":"a{number % 997}@example.org","ip":"203.0.113.7"}}}}'
    )
    return _outgoing(f"m-{merchant}", text.encode())


def _outgoing(key: str, value: bytes) -> Outgoing:
    raw = key.encode()
    return Outgoing(PAYMENTS_COMMANDS, partition_for(raw, PARTITIONS), raw, value)
