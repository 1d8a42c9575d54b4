"""Garbage collection by the clock instead of by the number of allocations.

A batch makes tens of thousands of tuples that all live until its commit, so the collector, which runs every
700 allocations, walked them over and over and found nothing: about a quarter of a worker's time. What is not
in a cycle is freed at once all the same; cycles wait for a moment.
"""

from __future__ import annotations

import asyncio
import gc
from itertools import cycle
from typing import Final

EVERY_SECONDS: Final = 10.0
"""A pass looks at all that batches in hand hold: every second, it was still a tenth of the time."""
GENERATIONS: Final = (1, 1, 1, 1, 1, 2)
"""The young every time, everything once a minute."""


async def collect_by_the_clock(every_seconds: float = EVERY_SECONDS) -> None:
    """Runs until cancelled; then the collector is as it was."""
    gc.collect()
    gc.freeze()  # modules and classes stay: nobody has to look at them again
    gc.disable()
    try:
        for generation in cycle(GENERATIONS):
            await asyncio.sleep(every_seconds)
            gc.collect(generation)
    finally:
        gc.enable()
        gc.unfreeze()
