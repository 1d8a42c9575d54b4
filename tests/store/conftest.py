"""A store of each kind, and a pool on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.store.api import Store
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.memory_store import MemoryStore


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await open_pool(database, 4, "tests")
    yield pool
    await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """Both implementations must behave alike."""
    if request.param == "memory":
        return MemoryStore()
    return PostgresStore(request.getfixturevalue("pool"))
