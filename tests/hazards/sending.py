"""Sends traffic at a set rate until stopped; what the broker lost the acknowledgement of is sent again.

Most of it goes through an idempotent producer, some through a transactional one, whose markers and aborted
records then lie in the logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.errors import Transient
from app.kafka.closing import close_quietly
from app.kafka.publisher import Outgoing, Publisher
from tests.hazards.cluster import Cluster
from tests.hazards.posting import Poster
from tests.hazards.traffic import Traffic
from tests.support.waiting import eventually

TICK_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 0.2
MOST_AT_ONCE: Final = 500
IN_TRANSACTIONS: Final = 0.03
ABORTED: Final = 0.4
TRANSACTION_SECONDS: Final = 5.0
DELIVERED_SECONDS: Final = 120.0


class Load(NamedTuple):
    sender: Sender
    poster: Poster


class Sender:
    """`sent` counts acknowledged records. `rate` is records per second over all topics."""

    def __init__(self, bootstrap: str, traffic: Traffic, rate: float) -> None:
        self.traffic = traffic
        self.rate = rate
        self.sent = 0
        self.transactions = 0
        self.aborted = 0
        self.resent = 0
        self._bootstrap = bootstrap
        self._publisher = Publisher(bootstrap, client_id="hazards-load", timeout_seconds=10.0)
        self._transactional: Any = None
        self._stopping = asyncio.Event()

    async def send(self, records: list[Outgoing]) -> None:
        """Returns when all are acknowledged."""
        while True:
            try:
                await self._publisher.publish(records)
            except Transient:
                self.resent += len(records)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.sent += len(records)
                return

    async def run(self) -> None:
        """Until `stop`. After an outage it goes on at its rate, without making up for the pause."""
        due, before = 0.0, time.monotonic()
        while not self._stopping.is_set():
            now = time.monotonic()
            due, before = min(due + (now - before) * self.rate, MOST_AT_ONCE), now
            count, due = int(due), due - int(due)
            if count:
                await self._send_some(count)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)
        await self.send(self.traffic.rest())

    def stop(self) -> None:
        self._stopping.set()

    async def close(self) -> None:
        await self._drop_transactional()
        await self._publisher.stop()

    async def _send_some(self, count: int) -> None:
        random = self.traffic.random
        if random.random() >= IN_TRANSACTIONS:
            await self.send(self.traffic.take(count))
            return
        if random.random() < ABORTED and await self._in_transaction(self.traffic.junk(count), commit=False):
            self.aborted += count
        records = self.traffic.take(count)
        if await self._in_transaction(records, commit=True):
            self.sent += len(records)
            self.transactions += 1
        else:  # whether it was committed is not known
            self.resent += len(records)
            await self.send(records)

    async def _in_transaction(self, records: list[Outgoing], commit: bool) -> bool:
        """False where it is not known how the transaction ended; its producer is given up."""
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS):
                producer = await self._producer()
                await producer.begin_transaction()
                for record in records:
                    await producer.send(
                        record.topic, record.value, key=record.key, partition=record.partition
                    )
                await producer.flush()
                await (producer.commit_transaction() if commit else producer.abort_transaction())
        except (KafkaError, TimeoutError, AssertionError):
            await self._drop_transactional()
            return False
        return True

    async def _producer(self) -> Any:
        if self._transactional is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                transactional_id=f"hazards-{uuid.uuid4().hex[:8]}",
                transaction_timeout_ms=int(TRANSACTION_SECONDS * 1000),
                request_timeout_ms=int(TRANSACTION_SECONDS * 1000),
            )
            self._transactional = producer
            await producer.start()
        return self._transactional

    async def _drop_transactional(self) -> None:
        producer, self._transactional = self._transactional, None
        if producer is not None:
            await close_quietly(producer.stop())


@contextlib.asynccontextmanager
async def under_load(cluster: Cluster, traffic: Traffic, rate: float) -> AsyncIterator[Load]:
    """Load for as long as the block runs, delivered to the last webhook; what failed of it fails the block.

    A PSP goes on with what it has not delivered; it only stops where the block was cut short.
    """
    sender, poster = Sender(cluster.bootstrap, traffic, rate), Poster(cluster.url, traffic.webhooks)
    async with poster.posting():
        running = asyncio.create_task(sender.run(), name="load")
        try:
            yield Load(sender, poster)
        finally:
            sender.stop()
            try:
                await running
            finally:
                await sender.close()
        await eventually(lambda: poster.is_idle, DELIVERED_SECONDS, "all webhooks to be delivered")
