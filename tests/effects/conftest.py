"""Workers at work on the tests' own stack, with empty topics and books, and a merchant's server to reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.contracts.topics import specs
from app.kafka.reader import RangeReader
from app.stack.local import LocalStack
from app.store.pool import open_pool
from tests.effects.receiver import Receiver, receiving
from tests.effects.workers import Workers
from tests.support.databases import copied_database, drop_database, make_template
from tests.support.live import PARTITIONS, Live
from tests.support.topics import make_anew


@pytest.fixture
async def own_template(local_stack: LocalStack) -> AsyncIterator[str]:
    """The name of a migrated, empty database on the tests' own PostgreSQL."""
    name = await make_template(local_stack.addresses.database_url)
    yield name
    await drop_database(local_stack.addresses.database_url, name)


@pytest.fixture
async def live(local_stack: LocalStack, own_template: str, tmp_path: Path) -> AsyncIterator[Live]:
    """The program without a worker; `workers` starts them."""
    addresses = local_stack.addresses
    async with copied_database(addresses.database_url, own_template) as database:
        await make_anew(addresses.kafka_bootstrap_servers, specs(PARTITIONS))
        pool = await open_pool(database, 2, "tests")
        reader = RangeReader(addresses.kafka_bootstrap_servers, client_id="tests")
        live = Live(addresses.kafka_bootstrap_servers, database, tmp_path, pool, reader)
        try:
            yield live
        finally:
            await live.close()
            await reader.stop()
            await pool.close()


@pytest.fixture
def workers(live: Live, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(live, tmp_path)
    yield started
    started.end()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server
