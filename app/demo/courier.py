"""Delivers webhooks over HTTP as a PSP does: several connections, again and again until one is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import aiohttp

from app.demo.signing import headers, new_secret
from app.demo.stream import Webhook
from app.demo.tasks import end
from app.errors import TallystickError

CONNECTIONS = 8
RETRY_SECONDS = 0.5
ANSWER_SECONDS = 15.0
STORED, REFUSED = 200, 401
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class NotAccepted(TallystickError):
    """The ingress answered what no PSP expects; the text has the answer."""


class Courier:
    """`url`: of the web process; `secrets`: PSP -> the secret it signs with. Use as a context."""

    def __init__(self, url: str, secrets: Mapping[str, str]) -> None:
        self._url = url
        self._secrets = secrets
        self._waiting: asyncio.Queue[Webhook] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.delivered = 0
        """Answered with 200."""
        self.refused = 0
        """Forged ones that were answered with 401."""

    async def __aenter__(self) -> Courier:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]
        return self

    async def __aexit__(self, *raised: object) -> None:
        for task in self._tasks:
            await end(task)
        await self._session.close()

    def take(self, webhook: Webhook) -> None:
        """Delivered soon; nobody waits for it here. Raises NotAccepted where an earlier one was not."""
        self._raise_failure()
        self._waiting.put_nowait(webhook)

    async def drained(self) -> None:
        """Until everything taken is answered. Raises NotAccepted."""
        all_done = asyncio.create_task(self._waiting.join())
        try:
            await asyncio.wait({all_done, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure()
        finally:
            await end(all_done)

    def _raise_failure(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _work(self) -> None:
        while True:
            webhook = await self._waiting.get()
            await self._insist(webhook)
            self._waiting.task_done()

    async def _insist(self, webhook: Webhook) -> None:
        while True:
            if await self._deliver(webhook):
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _deliver(self, webhook: Webhook) -> bool:
        """Whether it needs no other attempt; each attempt is signed anew."""
        secret = new_secret() if webhook.forged else self._secrets[webhook.psp]
        signed = {"Content-Type": "application/json", **headers(webhook, secret, int(time.time()))}
        url = f"{self._url}webhooks/{webhook.psp}"
        try:
            async with self._session.post(url, data=webhook.body, headers=signed) as answer:
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return False
        return self._answered(webhook, status, text)

    def _answered(self, webhook: Webhook, status: int, text: str) -> bool:
        if status in AGAIN:
            return False
        if status != (REFUSED if webhook.forged else STORED):
            raise NotAccepted(f"POST /webhooks/{webhook.psp} answered {status}: {text[:200]}")
        if webhook.forged:
            self.refused += 1
        else:
            self.delivered += 1
        return True
