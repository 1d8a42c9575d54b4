"""Run one schedule from its seed and say what came of it."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.simulation.director import Director
from tests.simulation.plant import NOTHING, Plant
from tests.simulation.verdict import judge, judge_rules
from tests.simulation.world import World


class Result(NamedTuple):
    """`records`: how many the lanes decided. `met`: faults by (fault, step)."""

    seed: int
    problems: list[str]
    records: int
    steps: int
    met: Counter[tuple[str, str]]
    trace: list[str]


def run_schedule(
    seed: int,
    records: int = 200,
    faults: int = 3,
    *,
    plant: Plant = NOTHING,
    without: Collection[int] = (),
    traced: bool = False,
) -> Result:
    """`without`: numbers of planned faults to leave out, to find out which ones matter."""
    with plant.patched():
        world = World(seed, plant=plant, traced=traced)
        Director(world, records, faults, without).run()
        if plant.in_rules and not world.problems:
            judge_rules(world)
    if not plant.in_rules and not world.problems:
        judge(world)
    decided = sum(sum(batch.counts.values()) for batch in world.store.batches)
    return Result(seed, world.problems, decided, world.steps, world.met, world.trace or [])


@contextmanager
def quiet() -> Iterator[None]:
    """Lanes log every fault that is injected, and what a crash leaves behind is garbage: not now."""
    log = logging.getLogger("app")
    level, collecting = log.level, gc.isenabled()
    log.setLevel(logging.CRITICAL + 1)
    gc.disable()
    try:
        yield
    finally:
        log.setLevel(level)
        if collecting:
            gc.enable()
