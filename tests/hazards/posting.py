"""A PSP's side of webhooks: signs and posts them on several connections, each again until it is answered 200.

200 means stored. Anything else, or no answer at all, and the delivery comes again under the same id with a
new signature, as PSPs do; only a refusal that no repeat can change is a failure of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Final

import aiohttp

from tests.hazards.story_parts import Event
from tests.support.webhooks import sandbox_delivery

CONNECTIONS: Final = 6
ANSWER_SECONDS: Final = 10.0
AGAIN_SECONDS: Final = 0.3
IDLE_SECONDS: Final = 0.05
TEMPORARY: Final = (429, 500, 502, 503, 504)


class Poster:
    """`posts`: who is to deliver takes from its left; `answers` counts by status, 0 where none came.

    `stored_at`: the monotonic time of the last 200.
    """

    def __init__(self, url: str, posts: deque[Event]) -> None:
        self.answers: Counter[int] = Counter()
        self.stored_at = 0.0
        self._url, self._posts = url, posts
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_idle(self) -> bool:
        """Whether everything is delivered."""
        self.failed()
        return not self._posts and not self._busy

    def failed(self) -> None:
        """Raises what ended a connection for good."""
        for task in self._tasks:
            if task.done():
                task.result()

    @contextlib.asynccontextmanager
    async def posting(self) -> AsyncIterator[Poster]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session:
            self._tasks = [asyncio.create_task(self._run(session)) for _ in range(CONNECTIONS)]
            try:
                yield self
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, session: aiohttp.ClientSession) -> None:
        while True:
            if not self._posts:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            event = self._posts.popleft()
            self._busy += 1
            try:
                await self._insist(session, event)
            finally:
                self._busy -= 1

    async def _insist(self, session: aiohttp.ClientSession, event: Event) -> None:
        while True:
            if await self._deliver(session, event):
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _deliver(self, session: aiohttp.ClientSession, event: Event) -> bool:
        delivery = sandbox_delivery(event.document, int(time.time()), event.id)
        headers = {**delivery.headers, "Content-Type": "application/json"}
        target = f"{self._url}webhooks/{delivery.psp}"
        try:
            async with session.post(target, data=delivery.body, headers=headers) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.answers[status] += 1
        if status == 200:
            self.stored_at = time.monotonic()
        assert status in (0, 200, *TEMPORARY), f"a webhook was refused with {status}"
        return status == 200
