"""Cycles are freed by the clock while the collector itself stands still."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref

from app.garbage import collect_by_the_clock
from tests.support.waiting import eventually


class Node:
    def __init__(self) -> None:
        self.me = self


async def test_a_cycle_is_freed_soon_and_the_collector_comes_back() -> None:
    assert gc.isenabled()
    task = asyncio.create_task(collect_by_the_clock(every_seconds=0.01))
    await eventually(lambda: not gc.isenabled(), 10, "the collector to stand still")
    gone = weakref.ref(Node())
    await eventually(lambda: gone() is None, 10, "the cycle to be freed")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
