"""The kind `alert.digest`: counts what a digest says. Nothing leaves the program; its retries are these."""

from __future__ import annotations

from typing import Any

from app.domain.alert import PLATFORM_LANE
from app.domain.alert_delivery import CountDigest
from app.domain.alert_records import DigestCounted
from app.domain.streams import ALERTS_COMMANDS
from app.effects.kind import Answer, Attempt, Outcome
from app.effects.reporting import with_content_id
from app.errors import Transient
from app.store.alert_digests import count_digest


class DigestCounts:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def perform(self, attempt: Attempt) -> Outcome:
        work = attempt.work
        if not isinstance(work, CountDigest):
            raise TypeError(f"{type(work).__name__} is no digest")
        try:
            lines = await count_digest(self._pool, work.since, work.until)
        except Transient as fault:
            return Outcome(outcome="retry", reason=str(fault)[:200])
        counted = DigestCounted(
            id="-",
            lane=PLATFORM_LANE,
            digest=work.digest,
            day=work.day,
            since=work.since,
            until=work.until,
            lines=lines,
        )
        record = with_content_id(counted, attempt.effect_id)
        return Outcome(outcome="done", answers=(Answer(ALERTS_COMMANDS, PLATFORM_LANE, record),))

    async def close(self) -> None:
        """The pool is the worker's."""
