"""A tiny deterministic event loop: callbacks in the order they were asked for, time that is simulated.

Lanes, locks, shields and tasks are asyncio's own; only the loop under them is ours. It has no sockets, no
threads and no clock but the one the world moves, so a schedule costs microseconds per step and repeats
exactly. It never decides anything: what is outstanding is the world's to choose.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any

TICKS_PER_RUN = 100_000
"""More callbacks than this without a step in between is a task that spins."""


class Spinning(AssertionError):
    """Tasks go on for ever without waiting for anything."""


def _raise(error: BaseException) -> None:
    raise error


class SimulatedLoop(asyncio.AbstractEventLoop):
    """`now_ms`: simulated time, epoch milliseconds; only the world moves it."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._ready: deque[asyncio.Handle] = deque()
        self._timed: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self._closed = False
        self.on_failure: Callable[[BaseException], None] = _raise

    def run_ready(self) -> None:
        """Run everything that does not wait for a step of the world."""
        ready = self._ready
        for _ in range(TICKS_PER_RUN):
            if self._timed:
                self._wake_timed()
            if not ready:
                return
            handle = ready.popleft()
            if not handle._cancelled:
                handle._callback(*handle._args)  # type: ignore[attr-defined]  # no context: nothing uses one
        raise Spinning(f"{TICKS_PER_RUN} callbacks without a step")

    def _wake_timed(self) -> None:
        while self._timed and self._timed[0][0] <= self.time():
            self._ready.append(heapq.heappop(self._timed)[2])

    @contextmanager
    def running(self) -> Iterator[None]:
        """Makes this the running loop, so that tasks, locks and shields find it."""
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)

    def time(self) -> float:
        return self.now_ms / 1000

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self._closed:
            self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timed, (when, self._count, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is skipped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        # A crashed worker's tasks are left where they stood: that is the point.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.add_done_callback(self._look_at)
        return task

    def _look_at(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.on_failure(error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Failures that matter are noted by the world where they happen."""

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """As above."""

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Nothing that was left behind by a crash runs any more."""
        self._closed = True
        self._ready.clear()
        self._timed.clear()
