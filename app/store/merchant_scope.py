"""A pool that shows one merchant's rows, whatever is asked: the database's own policies hold it.

Each use is a read-only transaction under the role `tallystick_merchant`, with the merchant named for that
transaction alone. Both end with it, so the connection goes back as it came, whatever became of the statement.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

ROLE: Final = "tallystick_merchant"
SETTING: Final = "tallystick.merchant_id"
BEGIN: Final = f"""
BEGIN READ ONLY; SET LOCAL ROLE {ROLE};
SELECT set_config('{SETTING}', convert_from('\\x{{merchant}}', 'UTF8'), true)"""
"""One round trip. The merchant's id comes as hexadecimal digits: no id can be anything but an id."""


class MerchantPool:
    """What the web's reads need of a pool. Reads only: a merchant's requests go into the log."""

    def __init__(self, pool: Any, merchant_id: str) -> None:
        self._pool = pool
        self._begin = BEGIN.format(merchant=merchant_id.encode().hex())

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        async with self._pool.acquire() as connection:
            await connection.execute(self._begin)
            try:
                yield connection
            finally:
                # Not awaited where this was cancelled: then the pool does it, before anybody else is lent it.
                await connection.execute("ROLLBACK")

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self.acquire() as connection:
            found: list[Any] = await connection.fetch(query, *arguments)
            return found

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(query, *arguments)
