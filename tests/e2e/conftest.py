"""The program running on the tests' own stack, with empty topics and an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.stack.local import LocalStack
from tests.support.databases import copied_database, drop_database, make_template
from tests.support.live import Live, running_program


@pytest.fixture
async def own_template(local_stack: LocalStack) -> AsyncIterator[str]:
    """The name of a migrated, empty database on the tests' own PostgreSQL."""
    name = await make_template(local_stack.addresses.database_url)
    yield name
    await drop_database(local_stack.addresses.database_url, name)


@pytest.fixture
async def live(local_stack: LocalStack, own_template: str, tmp_path: Path) -> AsyncIterator[Live]:
    """One worker at work, books and logs empty."""
    addresses = local_stack.addresses
    async with (
        copied_database(addresses.database_url, own_template) as database,
        running_program(addresses.kafka_bootstrap_servers, database, tmp_path) as program,
    ):
        yield program
