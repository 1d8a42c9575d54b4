"""What the executor asks of a kind of effect: one `Kind`, the same shape for PSP calls and webhooks out.

The executor owns order, limits, attempts and reports; a kind only performs one attempt and says what came of
it. It may be called again with the same attempt after a crash, so whatever it does carries the effect's id as
its idempotency key.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from app.domain.effects import AttemptOutcome, Work


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an effect. `number` counts from 1; a repeat after a crash has the same one."""

    effect_id: str
    """The same for all attempts: what the outside knows repeats by."""
    target: str
    object: str
    seq: int
    number: int
    work: Work
    requested_at: datetime
    timeout_seconds: float = 30.0
    """When the executor cuts the attempt off (a little later), should its kind not end it."""


class Answer(NamedTuple):
    """A record for the lane that asked; published in one call with the report of the attempt."""

    topic: str
    key: str
    record: msgspec.Struct


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt.

    * `done`: nothing is left to do.
    * `retry`: again later; `retry_after_seconds` where the other side said when.
    * `failed`: no repeat will help; the effect is given up at once and shown to people.
    """

    outcome: AttemptOutcome
    status_code: int | None = None
    reason: str | None = None
    """For people, at most 200 characters are kept. Never a secret, never a body."""
    retry_after_seconds: float | None = None
    answers: tuple[Answer, ...] = ()
    healthy: bool | None = None
    """Whether the target is well, for its circuit breaker; None: as `outcome` says (`retry` is not).

    A target that answers properly with a refusal is well.
    """


class Kind(Protocol):
    """Performs one kind of work. Made inside of the running event loop; `close` ends its connections."""

    async def perform(self, attempt: Attempt) -> Outcome:
        """One attempt, bounded in time by the kind itself. What the other side does or does not is an
        Outcome; an exception is a fault of the program: the executor reports it loudly and counts `retry`.
        """
        ...

    async def close(self) -> None: ...
