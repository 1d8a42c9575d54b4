"""How much may go to one target now: concurrency that it has to earn, a rate, and a circuit breaker. Pure."""

from __future__ import annotations

from typing import Final

from app.domain.effect_policy import Policy
from app.effects.breaker import Breaker

BURST_SECONDS: Final = 0.2
"""What a rate allows at once after a pause: so many seconds' worth, at least one attempt."""


class Gate:
    """One target's. Begins with one attempt at a time: each success allows one more, a failure halves it.

    So many targets that hang together cannot take all places before their breakers open.
    """

    __slots__ = ("_at", "_tokens", "allowed", "breaker", "policy", "running")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.breaker = Breaker(policy.breaker_failures, policy.breaker_seconds)
        self.running = 0
        self.allowed = 1
        self._tokens = 1.0
        self._at: float | None = None

    def opens_at(self, now: float) -> float | None:
        """The time from which another attempt may begin; None: when one that runs has ended."""
        if self.running >= min(self.allowed, self.policy.concurrency):
            return None
        if not self.breaker.may_start(now):
            return self.breaker.until if self.breaker.state(now) == "open" else None
        return self._next_token(now)

    def start(self, now: float) -> None:
        self.running += 1
        self.breaker.started()
        if self.policy.per_second is not None:
            self._refill(now, self.policy.per_second)
            self._tokens -= 1.0

    def ended(self, healthy: bool, now: float) -> None:
        self.running -= 1
        if healthy:
            self.allowed = min(self.allowed + 1, self.policy.concurrency)
            self.breaker.succeeded()
        else:
            self.allowed = max(1, self.allowed // 2)
            self.breaker.failed(now)

    def untried(self) -> None:
        """An attempt that began was not made after all: nothing is learned of the target."""
        self.running -= 1
        self.breaker.untried()

    def follow(self, policy: Policy) -> None:
        """New limits; what was learned of the target stays."""
        self.policy = policy
        self.breaker.failures, self.breaker.pause_seconds = policy.breaker_failures, policy.breaker_seconds

    def _next_token(self, now: float) -> float:
        rate = self.policy.per_second
        if rate is None:
            return now
        self._refill(now, rate)
        return now if self._tokens >= 1.0 else now + (1.0 - self._tokens) / rate

    def _refill(self, now: float, rate: float) -> None:
        if self._at is not None:
            most = max(1.0, rate * BURST_SECONDS)
            self._tokens = min(most, self._tokens + (now - self._at) * rate)
        self._at = now
