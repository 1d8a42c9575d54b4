"""Where a bug may be planted on purpose; `tests/simulation/planted.py` has the bugs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from tests.simulation.store import SimulatedStore


class Plant(NamedTuple):
    """`store` makes the schedule's store; `patched` is entered while the schedule runs."""

    name: str
    store: Callable[[Callable[[], float]], SimulatedStore] = SimulatedStore
    patched: Callable[[], AbstractContextManager[Any]] = nullcontext


NOTHING = Plant("nothing")
