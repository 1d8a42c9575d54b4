"""How a PSP's API is doing: counts of its answers, how long they took, and the last one that was a failure.

Numbers only, no clock and no I/O: whoever calls says when and how long. Kept per process, since start.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import Final, get_args

import msgspec

from app.domain.psp_calls import AnswerKind, PspAnswer

KINDS: Final[tuple[AnswerKind, ...]] = get_args(AnswerKind)
BOUNDS_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the latency buckets; one more bucket has no bound."""
FAILURES: Final[tuple[AnswerKind, ...]] = ("retry", "unknown", "misconfigured")
"""What speaks against the PSP, or our access to it; a decline is a proper answer."""


class Failure(msgspec.Struct, frozen=True):
    at: datetime
    kind: AnswerKind
    reason: str | None


class Health(msgspec.Struct):
    """One PSP's figures; `add` after every call."""

    psp: str
    answers: dict[AnswerKind, int] = msgspec.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS_SECONDS) + 1))
    """Calls per latency bucket, not cumulated."""
    seconds: float = 0.0
    """Sum of all latencies."""
    failures_in_a_row: int = 0
    last_answer_at: datetime | None = None
    """Of the last call that was no failure."""
    last_failure: Failure | None = None

    def add(self, answer: PspAnswer, took_seconds: float, at: datetime) -> None:
        self.answers[answer.kind] += 1
        self.buckets[bisect_left(BOUNDS_SECONDS, took_seconds)] += 1
        self.seconds += took_seconds
        if answer.kind in FAILURES:
            self.failures_in_a_row += 1
            self.last_failure = Failure(at, answer.kind, answer.reason)
        else:
            self.failures_in_a_row = 0
            self.last_answer_at = at

    @property
    def calls(self) -> int:
        return sum(self.answers.values())

    @property
    def mean_seconds(self) -> float | None:
        return self.seconds / self.calls if self.calls else None

    @property
    def is_well(self) -> bool:
        """Whether the last call was answered properly, or there was none."""
        return self.failures_in_a_row == 0
