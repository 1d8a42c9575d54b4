"""Fixtures for tests that need Kafka or PostgreSQL: real ones, started once per run, or the environment's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from app.stack.local import Addresses, LocalStack, addresses_in
from tests.support.databases import copied_database, drop_database, make_template
from tests.support.guard import guarded


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of our own, up, in a temporary folder; for tests that kill its servers.

    Whoever kills one starts it again before the test ends.
    """
    with guarded(LocalStack(tmp_path_factory.mktemp("stack"))) as stack:
        stack.up()
        yield stack


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Addresses:
    """The addresses of Kafka and PostgreSQL: the environment's, else those of `local_stack`."""
    given = addresses_in(os.environ)
    if given is not None:
        return given
    own: LocalStack = request.getfixturevalue("local_stack")
    return own.addresses


@pytest.fixture(scope="session")
def own_template(local_stack: LocalStack) -> Iterator[str]:
    """The name of a migrated database on the tests' own PostgreSQL that others are copied from."""
    address = local_stack.addresses.database_url
    name = asyncio.run(make_template(address))
    yield name
    asyncio.run(drop_database(address, name))


@pytest.fixture(scope="session")
def kafka(stack: Addresses) -> str:
    """Kafka's bootstrap servers."""
    return stack.kafka_bootstrap_servers


@pytest.fixture(scope="session")
def database_template(stack: Addresses) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = asyncio.run(make_template(stack.database_url))
    yield name
    asyncio.run(drop_database(stack.database_url, name))


@pytest.fixture
async def database(stack: Addresses, database_template: str) -> AsyncIterator[str]:
    """The DSN of a fresh, migrated, empty database, for one test."""
    async with copied_database(stack.database_url, database_template) as dsn:
        yield dsn
