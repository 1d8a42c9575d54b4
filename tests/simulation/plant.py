"""Where a bug may be planted on purpose; the bugs: `planted.py` (engine), `planted_rules.py` (rules)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.simulation.store import SimulatedStore


class Plant(NamedTuple):
    """`store` makes the schedule's store; `patched` is entered while the schedule runs.

    `in_rules`: the judgement has the same bug, so that only what rules leave behind can show it.
    """

    name: str
    store: Callable[[Callable[[], float]], SimulatedStore] = SimulatedStore
    patched: Callable[[], AbstractContextManager[Any]] = nullcontext
    in_rules: bool = False


NOTHING = Plant("nothing")


def patching(*replaced: tuple[Any, str, Any]) -> Callable[[], AbstractContextManager[Any]]:
    """A context in which each (owner, name) is another."""

    def entered() -> AbstractContextManager[Any]:
        stack = ExitStack()
        for owner, name, other in replaced:
            stack.enter_context(patch.object(owner, name, other))
        return stack

    return entered
