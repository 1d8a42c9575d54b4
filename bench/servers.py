"""Kafka and PostgreSQL of the benchmark's own, empty topics and an empty database for every run.

The catalogue's topics are deleted and made anew between runs, so servers of the environment are never used.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.contracts.topics import specs
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.reader import RangeReader
from app.stack.local import LocalStack
from app.store.pool import open_pool
from bench.load import PARTITIONS
from bench.machine import Cpu, cpu_of
from tests.support.databases import copied_database, make_template
from tests.support.guard import guarded
from tests.support.topics import APPEND_TIME, Topic, make_anew

RESULTS = "bench.results"
"""Where the raw loop writes; the program knows no such topic."""
SEND_RECORDS = 10_000
Answer = TypeVar("Answer")


class Servers:
    """The running stack and what is the same in all runs on it."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.kafka = stack.addresses.kafka_bootstrap_servers
        self.dsn = stack.addresses.database_url
        self._template = ""

    def cpu(self, worker: int | None) -> Cpu:
        return cpu_of(worker, self.stack.postgres.pid, self.stack.kafka.pid)

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[Emptied]:
        """Empty topics and an empty database, with clients to look at them."""
        self._template = self._template or await make_template(self.dsn)
        await make_anew(self.kafka, [*specs(PARTITIONS), Topic(RESULTS, PARTITIONS, config=APPEND_TIME)])
        async with copied_database(self.dsn, self._template) as dsn:
            reader, publisher = RangeReader(self.kafka, client_id="bench"), Publisher(self.kafka)
            pool = await open_pool(dsn, 2, "bench")
            try:
                yield Emptied(dsn, pool, reader, publisher)
            finally:
                await pool.close()
                await publisher.stop()
                await reader.stop()


class Emptied:
    """One run's database and logs."""

    def __init__(self, dsn: str, pool: Any, reader: RangeReader, publisher: Publisher) -> None:
        self.dsn, self.pool, self.reader, self.publisher = dsn, pool, reader, publisher

    async def send(self, records: list[Outgoing]) -> None:
        for begin in range(0, len(records), SEND_RECORDS):
            await self.publisher.publish(records[begin : begin + SEND_RECORDS])

    async def ends(self, topics: tuple[str, ...]) -> dict[str, int]:
        """Topic -> sum of its partitions' end offsets."""
        return {topic: sum(await self.partition_ends(topic)) for topic in topics}

    async def partition_ends(self, topic: str) -> list[int]:
        ends = await self.reader.end_offsets([(topic, number) for number in range(PARTITIONS)])
        return [ends[topic, number] for number in range(PARTITIONS)]


@contextmanager
def servers() -> Iterator[Servers]:
    """Started for the benchmark, stopped and deleted after it, also when it is killed."""
    with (
        tempfile.TemporaryDirectory(prefix="tallystick-bench-") as folder,
        guarded(LocalStack(Path(folder, "stack"))) as stack,
    ):
        try:
            stack.up()
            yield Servers(stack, Path(folder))
        finally:
            stack.remove()


def until_told(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it; SIGTERM ends it as Ctrl-C does, so that what was started is stopped."""

    async def main() -> Answer:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    return asyncio.run(main())
