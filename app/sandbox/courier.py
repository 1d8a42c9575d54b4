"""Delivers webhooks: signed as Standard Webhooks has it, again and again until somebody answers 2xx.

A bounded number at once. What is told to nobody yet is in the books, so a restart goes on with it.
"""

from __future__ import annotations

import asyncio
import base64
import heapq
import hmac
import logging
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final

import aiohttp
import msgspec

from app.sandbox.faults import Chance, Faults, deliveries
from app.sandbox.objects import Notice

AT_ONCE: Final = 64
ANSWER_SECONDS: Final = 10.0
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
log = logging.getLogger(__name__)


def signed(notice_id: str, body: bytes, secret: str, now: int) -> dict[str, str]:
    """The headers of one delivery (Standard Webhooks 1.0.0). `now`: epoch seconds."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{notice_id}.{now}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def body_of(notice: Notice) -> bytes:
    told = {"type": notice.type, "timestamp": notice.timestamp, "data": notice.data}
    return msgspec.json.encode(told)


class Courier:
    """`url` empty: nobody is told. `delivered` is called with a webhook's id when one was taken."""

    def __init__(
        self,
        url: str,
        secret: str,
        chance: Chance,
        faults: Callable[[], Faults],
        delivered: Callable[[str], None],
        epoch: Callable[[], float],
    ) -> None:
        self._url, self._secret, self._chance, self._faults = url, secret, chance, faults
        self._delivered, self._epoch = delivered, epoch
        self._waiting: list[tuple[float, int, Notice, int]] = []
        """A heap of (when on the loop's clock, number, webhook, attempt)."""
        self._numbers = count()
        self._more = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self.attempts = 0

    @property
    def waiting(self) -> int:
        """Deliveries that are planned or under way."""
        return len(self._waiting) + len(self._tasks)

    def take(self, notices: Iterable[Notice]) -> None:
        """As the faults have it: late, twice, never."""
        for notice in notices:
            for delay in deliveries(self._faults(), self._chance, notice.id):
                self._plan(delay, notice, 1)

    def send_now(self, notices: Iterable[Notice]) -> None:
        """Without any fault."""
        for notice in notices:
            self._plan(0.0, notice, 1)

    def _plan(self, delay: float, notice: Notice, attempt: int) -> None:
        if self._url:
            due = asyncio.get_running_loop().time() + delay
            heapq.heappush(self._waiting, (due, next(self._numbers), notice, attempt))
            self._more.set()

    async def run(self) -> None:
        """Until it is cancelled; what is under way then is cut and told again after a restart."""
        limit = aiohttp.TCPConnector(limit=AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        cookies = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=limit, timeout=timeout, cookie_jar=cookies) as session:
            try:
                while True:
                    await self._slots.acquire()
                    notice, attempt = await self._next()
                    task = asyncio.create_task(self._deliver(session, notice, attempt))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _next(self) -> tuple[Notice, int]:
        """The next one, when it is due."""
        while True:
            self._more.clear()
            pause = self._waiting[0][0] - asyncio.get_running_loop().time() if self._waiting else None
            if pause is not None and pause <= 0:
                return heapq.heappop(self._waiting)[2:]
            try:
                async with asyncio.timeout(pause):
                    await self._more.wait()
            except TimeoutError:
                continue

    async def _deliver(self, session: Any, notice: Notice, attempt: int) -> None:
        try:
            self.attempts += 1
            if await self._accepted(session, notice):
                self._delivered(notice.id)
            else:
                pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(attempt - 1, 10))
                self._plan(pause, notice, attempt + 1)
        finally:
            self._slots.release()

    async def _accepted(self, session: aiohttp.ClientSession, notice: Notice) -> bool:
        body = body_of(notice)
        headers = signed(notice.id, body, self._secret, int(self._epoch()))
        try:
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("webhook %s was not taken: %s", notice.id, type(error).__name__)
            return False
