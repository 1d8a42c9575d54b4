"""Which faults were met at which steps, added up over schedules and shown as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.simulation.faults import FAULTS
from tests.simulation.steps import BACKOFF, STEPS

Met = Counter[tuple[str, str]]
IMPOSSIBLE: Final = frozenset({("error_before", BACKOFF), ("error_after", BACKOFF)})
"""A pause asks nobody for anything, so it cannot fail."""


def pairs() -> Iterator[tuple[str, str]]:
    """Every fault with every step at which it can come."""
    return ((fault, step) for fault in FAULTS for step in STEPS if (fault, step) not in IMPOSSIBLE)


def below(met: Met, needed: int) -> list[tuple[str, str, int]]:
    """Pairs that were met less often than `needed`."""
    return [(fault, step, met[fault, step]) for fault, step in pairs() if met[fault, step] < needed]


def table(met: Met) -> str:
    """Steps down, faults across; figures are how often they came together."""
    faults = list(FAULTS)
    legend = [f"  {chr(ord('a') + index)}  {fault}" for index, fault in enumerate(faults)]
    head = " " * 17 + "".join(f"{chr(ord('a') + index):>7}" for index in range(len(faults)))
    rows = [f"{step:17}" + "".join(_cell(met, fault, step) for fault in faults) for step in STEPS]
    total = f"{'all':17}" + "".join(f"{sum(met[f, s] for s in STEPS):7}" for f in faults)
    return "\n".join(["faults:", *legend, head, *rows, total])


def _cell(met: Met, fault: str, step: str) -> str:
    return f"{'-':>7}" if (fault, step) in IMPOSSIBLE else f"{met[fault, step]:7}"
