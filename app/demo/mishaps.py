"""What goes wrong on the way: one worker is killed, another paused past its session and woken too late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from app.demo.watch import View
from app.stack.procfile import ProcfileRunner

KILLED, PAUSED = "worker.1", "worker.2"
POLL_SECONDS = 0.2
PATIENCE_SECONDS = 40.0
"""Within so long a restarted worker reports, and the lanes of a silent one are taken over."""


class Plan(NamedTuple):
    """Seconds after the stream's start; `session_seconds` is what the broker allows a worker to be silent."""

    kill_at: float
    pause_at: float
    session_seconds: float


def plan(seconds: float | None, session_seconds: float) -> Plan:
    """Early enough to see the recovery; without an end, in the first minute."""
    whole = seconds if seconds is not None else 60.0
    return Plan(0.2 * whole, 0.45 * whole, session_seconds)


class Mishaps:
    """`say` tells the viewer; `view` gives the latest figures, which somebody else keeps fresh."""

    def __init__(
        self,
        runner: ProcfileRunner,
        plan: Plan,
        view: Callable[[], View],
        all_lanes: int,
        say: Callable[[str], None],
    ) -> None:
        self._runner = runner
        self._plan = plan
        self._view = view
        self._all_lanes = all_lanes
        self._say = say

    async def run(self) -> None:
        """Both mishaps, each ended before the next begins. A paused worker is woken whatever happens."""
        started = time.monotonic()
        await _until(lambda: time.monotonic() - started >= self._plan.kill_at, None)
        await self._kill()
        await _until(lambda: time.monotonic() - started >= self._plan.pause_at, None)
        await self._pause()

    async def _kill(self) -> None:
        before = self._runner.pid(KILLED)
        self._say(f"{KILLED} (pid {before}) is killed with SIGKILL")
        self._runner.kill(KILLED)
        begun = time.monotonic()
        if await _until(lambda: self._is_back(before, begun), PATIENCE_SECONDS):
            self._say(
                f"{KILLED} is back after {time.monotonic() - begun:.1f} s (pid {self._runner.pid(KILLED)})"
            )
        else:
            self._say(f"{KILLED} did not come back within {PATIENCE_SECONDS:.0f} s")

    def _is_back(self, before: int | None, begun: float) -> bool:
        progress = self._view().progress
        silent = progress.silent_seconds.get(KILLED) if progress else None
        waited = time.monotonic() - begun
        return self._runner.pid(KILLED) not in (None, before) and silent is not None and silent < waited - 1

    async def _pause(self) -> None:
        self._say(f"{PAUSED} is paused with SIGSTOP, past its session of {self._plan.session_seconds:.0f} s")
        begun = time.monotonic()
        self._runner.pause(PAUSED)
        try:
            taken = await _until(lambda: self._is_taken_over(begun), PATIENCE_SECONDS)
        finally:
            self._runner.resume(PAUSED)
        what = f"after {KILLED} took over its partitions" if taken else "without a takeover"
        self._say(f"{PAUSED} is woken after {time.monotonic() - begun:.1f} s, {what}")

    def _is_taken_over(self, begun: float) -> bool:
        owned = self._view().lanes_of_the_living().get(KILLED, ())
        return time.monotonic() - begun > self._plan.session_seconds and len(owned) >= self._all_lanes


async def _until(condition: Callable[[], bool], within_seconds: float | None) -> bool:
    deadline = None if within_seconds is None else time.monotonic() + within_seconds
    while not condition():
        if deadline is not None and time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
