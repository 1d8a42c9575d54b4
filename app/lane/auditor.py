"""Runs `verify` every few minutes without being asked, in one of the workers, and says loudly what fails.

The result is a row that `/v1/status`, `/metrics` and the page show.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

log: Final = logging.getLogger(__name__)
EVERY_SECONDS: Final = 300.0
LOOK_EVERY_SECONDS: Final = 30.0


class Finding(Protocol):
    @property
    def ok(self) -> bool: ...


class Auditor:
    """`prove_if_due(every_seconds)` returns the run's report, None where another worker's is young enough."""

    def __init__(self, prove_if_due: Callable[[float], Awaitable[Finding | None]]) -> None:
        self._prove_if_due = prove_if_due

    async def run(self) -> None:
        """Runs until cancelled; a run that could not be made is tried again at the next look."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                report = await self._prove_if_due(EVERY_SECONDS)
            except Exception as fault:  # an audit that cannot run must not end the work; its age is shown
                log.error("verify could not run: %r", fault)
                continue
            if report is not None and not report.ok:
                log.critical("verify FAILED: run `python -m app verify --full` and look at its problems")
