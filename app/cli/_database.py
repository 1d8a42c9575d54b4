"""One question to the database, for verbs that ask and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from app.settings import database_url
from app.store.pool import open_pool

Answer = TypeVar("Answer")


def ask(question: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """Runs `question(pool)` on the database that DATABASE_URL names. Raises what the question raises."""

    async def answer() -> Answer:
        pool = await open_pool(database_url(), 1, "tallystick command line")
        try:
            return await question(pool)
        finally:
            await pool.close()

    return asyncio.run(answer())
