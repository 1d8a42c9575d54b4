"""Rule B3: which open amounts sum to a bank line. A bounded search that says so where it was cut short.

Pure arithmetic over amounts in minor units. What counts is whether there is one covering set or more: of two
nobody guesses.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

LEAST: Final = 2
MOST: Final = 8
MOST_STATES: Final = 40_000
"""Different (size, sum) pairs that are kept; a set of more open items is not searched to its end."""


class Open(NamedTuple):
    subject: str
    amount: int


class Cover(NamedTuple):
    """`ways`: 0, 1, or 2 for several. `subjects`: the first set. `whole`: the search was not cut short."""

    ways: int
    subjects: tuple[str, ...] = ()
    whole: bool = True


def covering_set(amount: int, items: Sequence[Open]) -> Cover:
    """Sets of 2 to 8 of `items` that sum to `amount`. Their order decides only which set is named."""
    usable = [item for item in items if item.amount]
    one_way = all(item.amount > 0 for item in usable) or all(item.amount < 0 for item in usable)
    states: dict[tuple[int, int], tuple[int, tuple[str, ...]]] = {(0, 0): (1, ())}
    for item in usable:
        for (size, total), (ways, subjects) in list(states.items()):
            key = (size + 1, total + item.amount)
            if key[0] > MOST or (one_way and abs(key[1]) > abs(amount)):
                continue
            known_ways, known = states.get(key, (0, (*subjects, item.subject)))
            states[key] = (min(2, known_ways + ways), known)
        if len(states) > MOST_STATES:
            return Cover(0, whole=False)
    found = [states[size, amount] for size in range(LEAST, MOST + 1) if (size, amount) in states]
    ways = min(2, sum(number for number, _ in found))
    return Cover(ways, found[0][1] if found else ())
