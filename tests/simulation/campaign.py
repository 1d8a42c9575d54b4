"""Many schedules on several cores, added up; what failed is made small and told in few lines."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from time import perf_counter
from typing import Final, NamedTuple

from tests.simulation.coverage import Met
from tests.simulation.plans import most_plans
from tests.simulation.schedule import quiet, run_schedule

CHUNK: Final = 20
SHOWN_LINES: Final = 40
NOISE: Final = ("end_offsets", "positions", "outbox_ages", "due_timers")


class Task(NamedTuple):
    first: int
    schedules: int
    records: int
    faults: int


class Tally(NamedTuple):
    """`fewest`: records that lanes decided in the smallest schedule. `failed`: seed -> problem."""

    schedules: int
    records: int
    fewest: int
    faults: int
    met: Met
    failed: dict[int, str]

    def plus(self, other: Tally) -> Tally:
        return Tally(
            self.schedules + other.schedules,
            self.records + other.records,
            min(self.fewest, other.fewest),
            self.faults + other.faults,
            self.met + other.met,
            {**self.failed, **other.failed},
        )


NOTHING: Final = Tally(0, 0, 1 << 62, 0, Counter(), {})


def run_some(task: Task) -> Tally:
    """The schedules of seeds `first` to `first + count - 1`."""
    tally = NOTHING
    with quiet():
        for seed in range(task.first, task.first + task.schedules):
            done = run_schedule(seed, task.records, task.faults)
            failed = {seed: done.problems[0]} if done.problems else {}
            struck = sum(done.met.values())
            tally = tally.plus(Tally(1, done.records, done.records, struck, done.met, failed))
        gc.collect()
    return tally


def run_many(
    first: int,
    count: int,
    records: int,
    faults: int,
    processes: int,
    told: Callable[[Tally, float], None] = lambda tally, seconds: None,
    within_seconds: float | None = None,
) -> Tally:
    """All of them, or as many as the time allows; `told` hears how far it is, and after how many seconds."""
    began, tally = perf_counter(), NOTHING
    for part in _parts(first, count, records, faults, processes):
        tally = tally.plus(part)
        seconds = perf_counter() - began
        told(tally, seconds)
        if within_seconds is not None and seconds > within_seconds:
            break
    return tally


def _parts(first: int, count: int, records: int, faults: int, processes: int) -> Iterator[Tally]:
    tasks = [
        Task(start, min(CHUNK, first + count - start), records, faults)
        for start in range(first, first + count, CHUNK)
    ]
    if processes == 1:
        yield from map(run_some, tasks)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(run_some, tasks)


def smallest(seed: int, records: int, faults: int) -> list[int]:
    """Planned faults, by number, that can be left out while the schedule still goes wrong."""
    without: list[int] = []
    with quiet():
        for number in range(most_plans(faults)):
            if run_schedule(seed, records, faults, without=[*without, number]).problems:
                without.append(number)
    return without


def story(seed: int, records: int, faults: int) -> str:
    """What happened in a failing schedule: its faults and the last steps before the problem showed."""
    without = smallest(seed, records, faults)
    with quiet():
        done = run_schedule(seed, records, faults, without=without, traced=True)
    lines = [line for line in done.trace if not any(word in line for word in NOISE) or "FAULT" in line]
    earlier = [line for line in lines[:-SHOWN_LINES] if "FAULT" in line or "wakes" in line or "owns" in line]
    return "\n".join(
        [
            f"seed {seed}, {records} records, {faults} faults, without planned faults {without}",
            *done.problems,
            *earlier,
            "   ...",
            *lines[-SHOWN_LINES:],
        ]
    )
