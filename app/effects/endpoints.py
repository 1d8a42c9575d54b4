"""Where a merchant's endpoint is now, as the merchant lane has it; read again every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, Final

from app.domain.webhook_endpoint import WebhookEndpoint
from app.errors import Transient
from app.store.webhook_endpoints import endpoints_of

log: Final = logging.getLogger(__name__)

KEPT_SECONDS: Final = 5.0
MOST_KEPT: Final = 10_000
READS_AT_ONCE: Final = 2
Endpoints = tuple[WebhookEndpoint, ...]


class CurrentEndpoints:
    """What is up to `KEPT_SECONDS` old; where the database does not answer, what was known last.

    The pool is the lanes' own: one read per merchant at a time, and few at once.
    """

    def __init__(
        self, load: Callable[[str], Awaitable[Endpoints]], now: Callable[[], float] = monotonic
    ) -> None:
        self._load = load
        self._now = now
        self._kept: dict[str, tuple[float, Endpoints]] = {}
        self._reading: dict[str, asyncio.Task[Endpoints]] = {}
        self._few = asyncio.Semaphore(READS_AT_ONCE)

    async def find(self, merchant_id: str, endpoint_id: str) -> WebhookEndpoint | None:
        until, known = self._kept.get(merchant_id, (0.0, ()))
        if self._now() >= until:
            known = await asyncio.shield(self._reading.get(merchant_id) or self._begin(merchant_id))
        return next((endpoint for endpoint in known if endpoint.id == endpoint_id), None)

    def _begin(self, merchant_id: str) -> asyncio.Task[Endpoints]:
        """A read that goes on when the delivery that began it is cut off: others wait for it."""
        task = asyncio.create_task(self._read(merchant_id))
        self._reading[merchant_id] = task
        task.add_done_callback(lambda _: self._reading.pop(merchant_id, None))
        return task

    async def _read(self, merchant_id: str) -> Endpoints:
        _, known = self._kept.pop(merchant_id, (0.0, ()))
        try:
            async with self._few:
                known = await self._load(merchant_id)
        except Transient as fault:
            log.warning("webhook endpoints of %s: %s; going on with what is known", merchant_id, fault)
        if len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[merchant_id] = (self._now() + KEPT_SECONDS, known)
        return known


def current_endpoints(pool: Any) -> CurrentEndpoints:
    """Reading through `pool` (asyncpg)."""

    async def load(merchant_id: str) -> Endpoints:
        return await endpoints_of(pool, merchant_id)

    return CurrentEndpoints(load)
