"""Where a merchant's endpoint is now, as the merchant lane has it; read again every few seconds."""

from __future__ import annotations

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
Endpoints = tuple[WebhookEndpoint, ...]


class CurrentEndpoints:
    """What is up to `KEPT_SECONDS` old; where the database does not answer, what was known last."""

    def __init__(
        self, load: Callable[[str], Awaitable[Endpoints]], now: Callable[[], float] = monotonic
    ) -> None:
        self._load = load
        self._now = now
        self._kept: dict[str, tuple[float, Endpoints]] = {}

    async def find(self, merchant_id: str, endpoint_id: str) -> WebhookEndpoint | None:
        found = await self._of(merchant_id)
        return next((endpoint for endpoint in found if endpoint.id == endpoint_id), None)

    async def _of(self, merchant_id: str) -> Endpoints:
        until, known = self._kept.get(merchant_id, (0.0, ()))
        if self._now() < until:
            return known
        try:
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
