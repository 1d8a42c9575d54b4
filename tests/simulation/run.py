"""`python -m tests.simulation.run --schedules N --seed S`: run schedules, or one again with its story."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from time import time_ns

from tests.simulation.campaign import Tally, run_many, run_some, story
from tests.simulation.campaign import Task as Some
from tests.simulation.coverage import below, table

SHOWN_STORIES = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where a schedule went wrong or a fault and a step met too seldom."""
    options = _parser().parse_args(arguments)
    if options.again is not None:
        return _again(options)
    seed = options.seed if options.seed is not None else time_ns() // 1_000_000 % 1_000_000_000
    print(f"seed {seed}: schedules {seed} to {seed + options.schedules - 1}", flush=True)
    progress = _Progress(options.schedules)
    limit = None if options.minutes is None else options.minutes * 60
    tally = run_many(
        seed, options.schedules, options.records, options.faults, options.processes, progress.told, limit
    )
    print(table(tally.met))
    for failed in sorted(tally.failed)[:SHOWN_STORIES]:
        print(story(failed, options.records, options.faults))
    return _verdict(tally, progress.seconds, options.need)


def _verdict(tally: Tally, seconds: float, need: int) -> int:
    print(
        f"{tally.schedules} schedules in {seconds:.0f} s ({tally.schedules / seconds:.1f}/s), "
        f"{tally.records / tally.schedules:.0f} records each (at least {tally.fewest}), "
        f"{tally.faults / tally.schedules:.1f} faults each; {len(tally.failed)} went wrong"
        + (f": seeds {sorted(tally.failed)}" if tally.failed else "")
    )
    seldom = below(tally.met, need)
    for fault, step, times in seldom:
        print(f"{fault} at {step}: met {times} times, wanted {need}")
    return 1 if tally.failed or seldom else 0


def _again(options: argparse.Namespace) -> int:
    failed = run_some(Some(options.again, 1, options.records, options.faults)).failed
    print(story(options.again, options.records, options.faults) if failed else "went well")
    return 1 if failed else 0


class _Progress:
    """A line every ten seconds."""

    def __init__(self, schedules: int) -> None:
        self._schedules = schedules
        self._shown = 0.0
        self.seconds = 0.0

    def told(self, tally: Tally, seconds: float) -> None:
        self.seconds = seconds
        if seconds - self._shown >= 10 or tally.failed:
            self._shown = seconds
            rate = tally.schedules / seconds
            print(
                f"{tally.schedules}/{self._schedules} schedules, {rate:.1f}/s, failed {len(tally.failed)}",
                flush=True,
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="the first schedule's; default: taken from the clock")
    parser.add_argument("--records", type=int, default=200, help="that lanes decide per schedule, at least")
    parser.add_argument("--faults", type=int, default=3, help="per schedule, at least")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, help="stop after this time, however many schedules are left")
    parser.add_argument("--need", type=int, default=0, help="times that each fault must meet each step")
    parser.add_argument("--again", type=int, metavar="SEED", help="run this one schedule and tell its story")
    return parser


if __name__ == "__main__":
    sys.exit(main())
