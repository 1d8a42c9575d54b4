"""Which faults a schedule has: drawn from its seed, each for a step and a moment."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.simulation.faults import FAULTS
from tests.simulation.steps import BACKOFF, STEPS

PATIENCE: Final = 200
"""Steps for which a fault waits for the step it is meant for; then any will do."""
GIVES_UP: Final = -400
"""A fault that finds no occasion for that long is replaced by another."""
LEADS_TO: Final = {
    "publish_leftover": ("error_after", "commit"),
    "leftover_done": ("error_after", "commit"),
    BACKOFF: ("error_before", "load"),
    "adopt": ("silent_worker", "commit"),
}
"""Rare step -> a fault, and where, after which a lane comes there."""

MORE: Final = 3
"""A schedule has fewer than this many faults more than asked for, leads not counted."""


class Plan:
    """One fault: at which step, and after how many records in the log it may come."""

    __slots__ = ("after", "fault", "patience", "step")

    def __init__(self, fault: str, step: str, after: int) -> None:
        self.fault = fault
        self.step = step
        self.after = after
        self.patience = PATIENCE if step not in LEADS_TO else 2 * PATIENCE

    def waits_for(self, step: str, logged: int) -> bool:
        """Whether this is not the occasion yet."""
        if self.after > logged:
            return True
        self.patience -= 1
        return self.step != step and self.patience > 0

    def missed(self, rng: Random) -> None:
        """It could not happen here, and perhaps nowhere in this schedule."""
        if self.patience < GIVES_UP:
            self.fault = rng.choice(tuple(FAULTS))


def draw_plans(rng: Random, faults: int, records: int) -> list[Plan]:
    """At least `faults` of them, and before one at a rare step another that leads there."""
    names = tuple(FAULTS)
    plans = []
    for _ in range(faults + int(rng.random() * MORE)):
        step, after = rng.choice(STEPS), int(rng.random() * records)
        if step in LEADS_TO:
            plans.append(Plan(*LEADS_TO[step], after))
        plans.append(Plan(rng.choice(names), step, after))
    return plans


def most_plans(faults: int) -> int:
    """An upper bound of how many `draw_plans` gives, each with one that leads to it."""
    return 2 * (faults + MORE)
