"""What the executor counts about itself since the worker started; it goes into the worker's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from app.effects.board import Board
from app.effects.kind import Kind, Outcome
from app.effects.psp_call import PspCalls
from app.psp.health import Health

MOST_BREAKERS: Final = 50
"""Targets that are named; how many there are is counted."""


class ExecutorStats:
    """`late`: given up because the deadline passed before an attempt; `faults`: of a kind, our mistakes."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults = 0
        self.late = 0

    def attempted(self, outcome: Outcome) -> None:
        self.outcomes[outcome.outcome] += 1


def figures(
    stats: ExecutorStats, board: Board, kinds: Iterable[Kind], running: int, now: float
) -> dict[str, Any]:
    """`held`: open effects in memory; `breakers`: target -> its state, where it is not closed."""
    lots = board.lots()
    states = {target: lot.gate.breaker.state(now) for target, lot in lots.items()}
    unwell = sorted(target for target, state in states.items() if state != "closed")
    return {
        "running": running,
        "held": sum(len(lot.items) for lot in lots.values()),
        "targets": len(lots),
        "outcomes": dict(stats.outcomes),
        "faults": stats.faults,
        "late": stats.late,
        "breakers_open": len(unwell),
        "breakers": {target: states[target] for target in unwell[:MOST_BREAKERS]},
        "psps": _psps(kinds),
    }


def _psps(kinds: Iterable[Kind]) -> dict[str, Any]:
    callers = (kind for kind in kinds if isinstance(kind, PspCalls))
    return {psp: _health(health) for kind in callers for psp, health in kind.health().items()}


def _health(health: Health) -> Mapping[str, Any]:
    mean = health.mean_seconds
    return {
        "answers": dict(health.answers),
        "buckets": list(health.buckets),
        "seconds": round(health.seconds, 3),
        "mean_seconds": None if mean is None else round(mean, 3),
        "failures_in_a_row": health.failures_in_a_row,
        "last_answer_at": health.last_answer_at,
        "last_failure": None if health.last_failure is None else msgspec.structs.asdict(health.last_failure),
    }
