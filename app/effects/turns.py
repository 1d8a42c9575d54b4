"""Whose turn it is: targets that may have something to begin, by kind, and those that sleep. Pure.

Targets of a kind take turns, so that a slow one delays nobody else. Nor does a kind: each may have so many
attempts under way and leaves the other places to the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush

from app.effects.lot import Row


class Turns:
    """`most_of_kind`: attempts of one kind under way at once."""

    def __init__(self, most_of_kind: int) -> None:
        self._most_of_kind = most_of_kind
        self._hot: dict[str, dict[str, None]] = {}
        """Kind -> its targets, in the order of their turns."""
        self._asleep: list[tuple[float, str, str]] = []
        self.running: Counter[str] = Counter()
        """By kind."""

    def add(self, kind: str, target: str) -> None:
        """The target may have something to begin."""
        self._hot.setdefault(kind, {})[target] = None

    def sleep(self, until: float, kind: str, target: str) -> None:
        heappush(self._asleep, (until, kind, target))

    def wakes_at(self) -> float | None:
        return self._asleep[0][0] if self._asleep else None

    def take(self, now: float, room: int, begin: Callable[[str, float], Row | None]) -> list[Row]:
        """Up to `room` effects; `begin(target, now)`: the target's next one, None where nothing may begin."""
        while self._asleep and self._asleep[0][0] <= now:
            _, kind, target = heappop(self._asleep)
            self.add(kind, target)
        begun: list[Row] = []
        for kind, hot in self._hot.items():
            most = min(room - len(begun), self._most_of_kind - self.running[kind])
            some = _take_some(hot, now, most, begin)
            self.running[kind] += len(some)
            begun += some
        return begun


def _take_some(
    hot: dict[str, None], now: float, most: int, begin: Callable[[str, float], Row | None]
) -> list[Row]:
    begun: list[Row] = []
    while hot and len(begun) < most:
        target = next(iter(hot))
        del hot[target]
        row = begin(target, now)
        if row is not None:
            begun.append(row)
            hot[target] = None
    return begun
