"""A peer: plain aiokafka, no database. Payments and lines of the same topics, paired in a dict.

    python -m bench.pair_loop

What finding a difference costs if nothing has to survive and no books are kept. It writes one record per
difference, `{"id": "CATEGORY owner key"}`, and prints READY when it reads. It runs until it is stopped.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.contracts.codec import decoder, encode
from app.domain.commands import PaymentRecord
from app.domain.settlement import SettlementLine
from app.domain.streams import PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.kafka.publisher import Outgoing, Publisher
from bench.load import PARTITIONS, PSP_BPS, PSP_FIXED
from bench.servers import RESULTS

MAX_RECORDS: Final = 2_000 * PARTITIONS
FEE_TOLERANCE: Final = 200
"""The expected fee's part that a difference may be."""


class Difference(msgspec.Struct, frozen=True):
    id: str


class Pairing:
    """The whole state of the peer. A line finds its payment under the PSP's id or under the order."""

    def __init__(self) -> None:
        self._command = decoder(PAYMENTS_COMMANDS)
        self._line = msgspec.json.Decoder(SettlementLine).decode
        self._payments: dict[str, PaymentRecord] = {}
        self._waiting: dict[str, list[SettlementLine]] = {}
        self._settled: dict[str, int] = {}

    def take(self, topic: str, value: bytes) -> list[str]:
        """Owner keys and categories that this record brings to light."""
        if topic == SETTLEMENTS_LINES:
            return self._pair(self._line(value))
        command = self._command(value)
        if not isinstance(command, PaymentRecord):
            return []
        names = [name for name in (command.psp_payment_id, command.order_ref) if name]
        self._payments.update(dict.fromkeys(names, command))
        return [found for name in names for line in self._waiting.pop(name, ()) for found in self._pair(line)]

    def _pair(self, line: SettlementLine) -> list[str]:
        name = line.psp_payment_id or line.merchant_ref or ""
        payment = self._payments.get(name)
        if payment is None:
            self._waiting.setdefault(name, []).append(line)
            return []
        key = f"{payment.psp}:{payment.psp_payment_id}"
        settled = self._settled.get(key, 0)
        self._settled[key] = settled + line.gross
        return [f"{category} {key}" for category in _differences(payment, line, settled)]


def _differences(payment: PaymentRecord, line: SettlementLine, settled: int) -> list[str]:
    if line.currency != payment.currency:
        return ["CURRENCY_MISMATCH"]
    total = settled + line.gross
    if settled and total > payment.amount:
        return ["DUPLICATE_SETTLEMENT"]
    found = []
    if total != payment.amount:
        found.append("AMOUNT_OVER" if total > payment.amount else "PARTIAL_SETTLEMENT")
    fee = (payment.amount * PSP_BPS + 5_000) // 10_000 + PSP_FIXED
    if abs(line.fee - fee) > max(1, fee // FEE_TOLERANCE):
        found.append("FEE_VARIANCE")
    return found


async def main() -> None:
    kafka = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, isolation_level="read_committed"
    )
    publisher, pairing = Publisher(kafka), Pairing()
    await consumer.start()
    topics = (PAYMENTS_COMMANDS, SETTLEMENTS_LINES)
    consumer.assign([TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)])
    await consumer.seek_to_beginning()
    await publisher.start()
    print("READY", flush=True)
    while True:
        fetched = await consumer.getmany(timeout_ms=500, max_records=MAX_RECORDS)
        found = [
            Outgoing(RESULTS, tp.partition, name.encode(), encode(Difference(name)))
            for tp, records in fetched.items()
            for record in records
            for name in pairing.take(tp.topic, record.value)
        ]
        if found:
            await publisher.publish(found)


if __name__ == "__main__":
    asyncio.run(main())
