"""The program running for a test: empty topics, an empty database, a real worker process.

Topics have the catalogue's names, so this deletes and makes them anew: it takes the tests' own stack, never
servers of the environment, which may hold somebody's records.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import orjson

from app.contracts.topics import specs
from app.demo.watch import Watch
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.reader import RangeReader
from app.stack.local import LocalStack
from app.store.pool import open_pool
from tests.support.commands import CHECKOUT, app_command, environment, run_app
from tests.support.databases import copied_database
from tests.support.topics import make_anew

PARTITIONS = 4
REST_SECONDS = 240.0
"""A bound, not an expectation: the machine may be busy with other things."""
STOP_SECONDS = 40.0
Document = Mapping[str, Any]


class Live:
    """One running program. `pool` and `watch` look at its database and its logs."""

    def __init__(self, kafka: str, database: str, folder: Path, pool: Any, reader: RangeReader) -> None:
        self.kafka, self.database, self.pool = kafka, database, pool
        self.watch = Watch(pool, reader, PARTITIONS)
        self._folder = folder
        self._publisher = Publisher(kafka)

    def environment(self, **extra: str) -> dict[str, str]:
        names = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "DATABASE_URL": self.database,
            "TALLYSTICK_DATA_DIR": str(self._folder / "data"),
            "TALLYSTICK_WORKER_ID": "e2e",
            "TALLYSTICK_PARTITIONS": str(PARTITIONS),
            "TALLYSTICK_SESSION_TIMEOUT_SECONDS": "6",
        }
        return environment() | names | extra

    def configure(self, document: Document) -> None:
        """Write the platform's configuration, as an operator would."""
        file = self._folder / "platform.json"
        file.write_bytes(orjson.dumps(document))
        self.run("configure", file)

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A verb that has to succeed."""
        done = run_app(*arguments, env=self.environment(), within_seconds=REST_SECONDS)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    async def send(self, topic: str, keyed: Iterable[tuple[str, Document | bytes]]) -> int:
        """Produce (key, record) in order; returns how many they were."""
        records = [outgoing(topic, key, record) for key, record in keyed]
        for begin in range(0, len(records), 5_000):
            await self._publisher.publish(records[begin : begin + 5_000])
        return len(records)

    async def rest(self) -> None:
        """Everything in the logs is committed, nothing waits to be published, no timer is due soon."""
        await self.watch.until_at_rest(REST_SECONDS, lambda view: None)
        progress = self.watch.view.progress
        assert progress is not None
        assert progress.halted == []

    async def close(self) -> None:
        await self._publisher.stop()


def outgoing(topic: str, key: str, record: Document | bytes) -> Outgoing:
    raw = key.encode()
    value = record if isinstance(record, bytes) else orjson.dumps(record)
    return Outgoing(topic, partition_for(raw, PARTITIONS), raw, value)


@asynccontextmanager
async def prepared_program(stack: LocalStack, template: str, folder: Path) -> AsyncIterator[Live]:
    """Empty topics and an empty, migrated database, without a worker."""
    kafka = stack.addresses.kafka_bootstrap_servers
    async with copied_database(stack.addresses.database_url, template) as database:
        await make_anew(kafka, specs(PARTITIONS))
        pool = await open_pool(database, 2, "tests")
        reader = RangeReader(kafka, client_id="tests")
        live = Live(kafka, database, folder, pool, reader)
        try:
            yield live
        finally:
            await live.close()
            await reader.stop()
            await pool.close()


@asynccontextmanager
async def running_program(stack: LocalStack, template: str, folder: Path) -> AsyncIterator[Live]:
    """Likewise with one worker, which ends with the context."""
    async with prepared_program(stack, template, folder) as live:
        with worker(live, folder / "worker.log"):
            yield live


@contextmanager
def worker(live: Live, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process, told to stop at the end; it has to obey, and to have done nothing it regrets."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            app_command("worker"),
            cwd=CHECKOUT,
            env=live.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
            assert process.poll() is None, f"the worker ended: {log.read_text('utf-8')[-3000:]}"
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0, log.read_text("utf-8")[-3000:]
        finally:
            process.kill()
            process.wait()
