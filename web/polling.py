"""One poller for all who wait for rows of one kind: PostgreSQL sees one query per poll, however many wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

POLL_SECONDS: Final = 0.02
GAP_SECONDS: Final = 0.004
"""Between two queries where new ones came to wait: they need not wait for the next poll."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Waiter(NamedTuple, Generic[Key, Value]):
    key: Key
    enough: Callable[[Value | None], bool]
    done: asyncio.Future[Value | None]


class Poller(Generic[Key, Value]):
    """`fetch`: the values of those keys that have one."""

    def __init__(self, fetch: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._fetch = fetch
        self._waiters: set[_Waiter[Key, Value]] = set()
        self._news = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None

    async def until(self, key: Key, enough: Callable[[Value | None], bool]) -> Value | None:
        """The first value, of queries that began after this call, that is enough. Waits without an end."""
        waiter = _Waiter(key, enough, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        self._news.set()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            return await waiter.done
        finally:
            self._waiters.discard(waiter)

    async def once(self, key: Key) -> Value | None:
        """The value as it is now."""
        return await self.until(key, lambda _: True)

    async def _poll(self) -> None:
        """Runs while somebody waits. An error goes to everyone who waits now; later ones start anew."""
        try:
            while self._waiters:
                self._news.clear()
                waiting = tuple(self._waiters)
                found = await self._fetch(tuple({waiter.key for waiter in waiting}))
                for waiter in waiting:
                    _tell(waiter, found.get(waiter.key))
                await self._pause()
        except Exception as error:
            for waiter in self._waiters:
                if not waiter.done.done():
                    waiter.done.set_exception(error)

    async def _pause(self) -> None:
        await asyncio.sleep(GAP_SECONDS)
        try:
            async with asyncio.timeout(POLL_SECONDS - GAP_SECONDS):
                await self._news.wait()
        except TimeoutError:
            pass

    async def stop(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)


def _tell(waiter: _Waiter[Key, Value], value: Value | None) -> None:
    """What a waiter's own question raises is its own error."""
    if waiter.done.done():
        return
    try:
        if waiter.enough(value):
            waiter.done.set_result(value)
    except Exception as error:
        waiter.done.set_exception(error)
