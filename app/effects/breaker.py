"""A circuit breaker: after so many failures in a row nothing is tried for a while, then one probe decides.

Pure: whoever asks says what time it is, in seconds of any monotonic clock.
"""

from __future__ import annotations

from typing import Final, Literal

State = Literal["closed", "open", "half_open"]
LONGEST: Final = 10
"""The pause doubles with each probe that fails, up to so many times the first one."""


class Breaker:
    """`failures` in a row open it for `pause_seconds`; a success closes it."""

    __slots__ = ("_failed", "_pauses", "_probing", "failures", "opened", "pause_seconds", "until")

    def __init__(self, failures: int, pause_seconds: float) -> None:
        self.failures, self.pause_seconds = failures, pause_seconds
        self._failed = 0
        self._pauses = 1.0
        self._probing = False
        self.until: float | None = None
        """When a probe may begin; None while it is closed."""
        self.opened = 0
        """How often it has opened."""

    def state(self, now: float) -> State:
        if self.until is None:
            return "closed"
        return "open" if now < self.until else "half_open"

    def may_start(self, now: float) -> bool:
        return self.until is None or (now >= self.until and not self._probing)

    def started(self) -> None:
        """An attempt begins; with an open breaker it is the probe."""
        self._probing = self.until is not None

    def untried(self) -> None:
        """An attempt that began was not made: had it been the probe, another one may be."""
        self._probing = False

    def succeeded(self) -> None:
        self._failed, self._pauses, self._probing, self.until = 0, 1.0, False, None

    def failed(self, now: float) -> None:
        """Failures of attempts that began before it opened change nothing any more."""
        if self.until is not None and not self._probing:
            return
        self._failed += 1
        if self._probing:
            self._pauses = min(self._pauses * 2, LONGEST)
        elif self._failed < self.failures:
            return
        self._probing = False
        self.until = now + self.pause_seconds * self._pauses
        self.opened += 1
