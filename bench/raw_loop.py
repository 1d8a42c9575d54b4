"""A peer: plain aiokafka, no database. Decode, drop repeats, keep balances in a dict, write one event each.

    python -m bench.raw_loop RECORDS

What the program would cost if nothing had to survive: state is gone with the process. Prints READY when it
reads, and RESULT with what it counted when it has seen RECORDS records.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.contracts.codec import encode
from app.domain.commands import PaymentRecord
from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.publisher import Outgoing, Publisher
from bench.load import PARTITIONS
from bench.servers import RESULTS

MAX_RECORDS = 2_000 * PARTITIONS


class Event(msgspec.Struct, frozen=True):
    """One balanced posting: (account, amount) with debits positive."""

    id: str
    legs: tuple[tuple[str, int], tuple[str, int], tuple[str, int]]


class Job:
    """The whole state of the peer."""

    def __init__(self) -> None:
        self.decode = msgspec.json.Decoder(PaymentRecord).decode
        self.seen: set[str] = set()
        self.balances: Counter[str] = Counter()
        self.records = self.amount = 0

    def take(self, partition: int, records: list[Any]) -> list[Outgoing]:
        self.records += len(records)
        events = [event for record in records if (event := self._book(record.value)) is not None]
        return [Outgoing(RESULTS, partition, event.id.encode(), encode(event)) for event in events]

    def _book(self, value: bytes) -> Event | None:
        command = self.decode(value)
        if command.id in self.seen:
            return None
        self.seen.add(command.id)
        fee = command.amount * 29 // 1_000 + 30
        merchant, psp = f"m_pend:{command.merchant_id}", f"psp_recv:{command.psp}"
        legs = ((psp, command.amount), (merchant, fee - command.amount), ("plat_fee", -fee))
        for account, amount in legs:
            self.balances[account] += amount
        self.amount += command.amount
        return Event(command.id, legs)


async def main(expected: int) -> None:
    kafka = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    publisher, job = Publisher(kafka), Job()
    await consumer.start()
    consumer.assign([TopicPartition(PAYMENTS_COMMANDS, number) for number in range(PARTITIONS)])
    await consumer.seek_to_beginning()
    await publisher.start()
    print("READY", flush=True)
    while job.records < expected:
        fetched = await consumer.getmany(timeout_ms=500, max_records=MAX_RECORDS)
        made = [job.take(tp.partition, records) for tp, records in fetched.items()]
        await publisher.publish([event for events in made for event in events])
    right = not sum(job.balances.values())
    print(
        "RESULT " + json.dumps({"payments": len(job.seen), "amount": job.amount, "right": right}), flush=True
    )
    await consumer.stop()
    await publisher.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
