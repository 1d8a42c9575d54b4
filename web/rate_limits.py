"""How often one key may call: a sliding window per key, counted by this process alone.

Several web processes therefore let through as many times more; what protects the books from many requests is
the log in front of them, not this. Headers: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import time
from typing import Final, NamedTuple

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from app.errors import ConfigurationError
from web.problems import Problem

VARIABLE: Final = "TALLYSTICK_WEB_RATE_LIMIT"
DEFAULT_RATE: Final = "10000 per 10 seconds"
POLICY: Final = '"key"'


class Standing(NamedTuple):
    """Of one key after a request. `seconds`: until it may call as often as ever again."""

    allowed: bool
    limit: RateLimitItem
    remaining: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f"{POLICY};q={self.limit.amount};w={self.limit.get_expiry()}",
            "RateLimit": f"{POLICY};r={self.remaining};t={self.seconds}",
        }


class RateLimits:
    """`rate`: like `100 per minute` or `10000 per 10 seconds`; ConfigurationError for anything else."""

    def __init__(self, rate: str = DEFAULT_RATE) -> None:
        try:
            self._limit = parse(rate)
        except ValueError:
            raise ConfigurationError(f"{VARIABLE} must be like {DEFAULT_RATE!r}, not {rate!r}") from None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, key_id: str) -> Standing:
        """Count one request of this key."""
        allowed = await self._limiter.hit(self._limit, key_id)
        reset_at, remaining = await self._limiter.get_window_stats(self._limit, key_id)
        return Standing(allowed, self._limit, remaining, max(0, math.ceil(reset_at - time.time())))


def too_many(standing: Standing) -> Problem:
    again = str(max(1, standing.seconds))
    return Problem("rate_limited", f"at most {standing.limit}", {"Retry-After": again})
