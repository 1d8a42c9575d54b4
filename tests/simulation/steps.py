"""The steps at which a schedule may be cut: every call by which a lane, watchdog or pump meets the world."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from app.store.api import LaneId

if TYPE_CHECKING:
    from tests.simulation.worker import Worker

BACKOFF: Final = "backoff"
"""A pause between two tries: it ends by itself and cannot fail."""
LANE_STEPS: Final = (
    "position",
    "leftovers",
    "publish_leftover",
    "leftover_done",
    "read_log",
    "known_ids",
    "load",
    "commit",
    "tables",
    "publish",
    "outbox_done",
    BACKOFF,
)
"""In the order in which a lane takes them; `leftovers` reads the outbox."""
WATCHDOG_STEPS: Final = ("end_offsets", "positions", "outbox_ages", "adopt")
TIMER_STEPS: Final = ("due_timers", "publish_timers")
STEPS: Final = (*LANE_STEPS, *WATCHDOG_STEPS, *TIMER_STEPS)
STORE_STEPS: Final = frozenset(
    {"position", "leftovers", "leftover_done", "known_ids", "load", "commit", "outbox_done"}
    | {"positions", "outbox_ages", "adopt", "due_timers"}
)
"""Those that ask the database."""
IDLE: Final = "idle"
"""A watchdog or pump that waits for its next round: not a step to cut at."""


class Call:
    """One outstanding call of a worker. `effect` happens when the world performs it, all at once.

    `half` is the effect of a call that fails in the middle, where that is possible (publishing).
    """

    __slots__ = ("answer_later", "effect", "future", "half", "lane", "step", "worker")

    def __init__(
        self,
        worker: Worker,
        step: str,
        lane: LaneId | None,
        effect: Callable[[], Any],
        future: Future[Any],
        half: Callable[[], Any] | None = None,
    ) -> None:
        self.worker = worker
        self.step = step
        self.lane = lane
        self.effect = effect
        self.future = future
        self.half = half
        self.answer_later: Callable[[], None] | None = None
        """Set where the effect has happened and the worker has not seen the answer."""

    def perform(self) -> Callable[[], None]:
        """Let the effect happen; returns what tells the worker."""
        try:
            result = self.effect()
        except Exception as refusal:
            return partial(self.fail, refusal)
        return partial(self.answer, result)

    def answer(self, result: Any) -> None:
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)
