"""Faults at random under load for as long as asked, then the judgement.

    python -m tests.hazards.chaos --minutes 30 --seed 1 --rate 300 --workers 2

Prints a line per fault with how long the worst partition stood still, and at the end what was sent against
what the books hold. Ends with 0 only if nothing is lost, doubled or wrong. Its folder is kept when it fails.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from random import Random

from aiokafka.errors import KafkaError

from app.errors import TallystickError
from tests.hazards.cluster import PARTITIONS, Cluster, running
from tests.hazards.faults import Hazards
from tests.hazards.monitor import Monitor
from tests.hazards.oracle import Verdict, drained, judge
from tests.hazards.repertoire import FAULTS, WEB_FAULTS, Fault, WebFault
from tests.hazards.sending import Load, under_load
from tests.hazards.traffic import Traffic
from tests.support.long_runs import run_in_folder


class Chaos:
    def __init__(self, hazards: Hazards, monitor: Monitor, load: Load, random: Random) -> None:
        self.stalls: dict[str, list[float]] = defaultdict(list)
        self.took: dict[str, list[float]] = defaultdict(list)
        self.problems: list[str] = []
        self._hazards, self._monitor, self._load, self._random = hazards, monitor, load, random
        self._faults: dict[str, tuple[Fault, int]] = FAULTS | {
            name: (partial(self._of_the_web, fault), weight) for name, (fault, weight) in WEB_FAULTS.items()
        }
        self._began = time.monotonic()

    async def _of_the_web(self, fault: WebFault, hazards: Hazards) -> float:
        return await fault(hazards, self._load.poster)

    async def run(self, seconds: float) -> None:
        names, weights = list(self._faults), [weight for _, weight in self._faults.values()]
        first = self._random.sample(names, len(names))
        while time.monotonic() - self._began < seconds:
            await self.strike(first.pop() if first else self._random.choices(names, weights)[0])

    @property
    def faults(self) -> int:
        return sum(map(len, self.stalls.values())) + len(self.problems)

    async def strike(self, name: str) -> None:
        """One fault; returns when all positions move again. One that was not survived in time is told."""
        async with self._monitor.window() as window:
            try:
                self._load.poster.failed()
                took = await self._faults[name][0](self._hazards)
                stall = await window.moving()
            except (AssertionError, TallystickError, KafkaError) as problem:
                self.problems.append(f"{name}: {problem}")
                say(f"{self._elapsed()}  {name}: NOT SURVIVED: {problem}")
                await self._hazards.restore()
                return
        self.stalls[name].append(stall)
        if took is not None:
            self.took[name].append(took)
        self._tell(name, stall, took)

    def _tell(self, name: str, stall: float, took: float | None) -> None:
        counted = self._monitor.counted
        line = f"{name:46} stood {stall:5.1f} s" + (f", took {took:4.1f} s" if took is not None else "")
        say(
            f"{self._elapsed()}  {line:76} | sent {self._load.sender.sent:,}, holes {counted['holes']} "
            f"({counted['hole_records']} records), stale {counted['stale']}"
        )

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:7.1f} s"


def say(text: str) -> None:
    print(text, flush=True)


def summary(chaos: Chaos) -> None:
    say(f"\n{'fault':48} {'times':>5} {'stall median':>12} {'max':>6}   takeover or exit median / max")
    for name, stalls in sorted(chaos.stalls.items()):
        took = chaos.took.get(name, [])
        more = f"{statistics.median(took):.1f} / {max(took):.1f} s" if took else ""
        say(f"{name:48} {len(stalls):5} {statistics.median(stalls):10.1f} s {max(stalls):4.1f} s   {more}")
    everything = [stall for stalls in chaos.stalls.values() for stall in stalls]
    if everything:
        say(
            f"{'all':48} {len(everything):5} {statistics.median(everything):10.1f} s {max(everything):4.1f} s"
        )


def closing(chaos: Chaos, load: Load, verdict: Verdict) -> None:
    """All of it in one line."""
    stalls = [stall for stalls in chaos.stalls.values() for stall in stalls] or [0.0]
    compared = [verdict.figures.get(f"{what} compared", 0) for what in ("matches", "exceptions")]
    say(
        f"{load.sender.sent + load.poster.answers[200]:,} records, {chaos.faults} faults, "
        f"lost {verdict.lost}, doubled {verdict.doubled}, "
        f"matches compared {compared[0]:,}, exceptions compared {compared[1]:,}, "
        f"stalls {statistics.median(stalls):.1f} s median and {max(stalls):.1f} s at most, "
        f"wrong {len(verdict.problems) + len(chaos.problems)}"
    )


def tell(load: Load, monitor: Monitor, verdict: Verdict) -> None:
    counted, sender = monitor.counted, load.sender
    answers = ", ".join(
        f"{status or 'none'}: {count:,}" for status, count in sorted(load.poster.answers.items())
    )
    say(
        f"\nsent {sender.sent:,} records ({sender.traffic.truth.repeats:,} repeats), {sender.resent:,} sent "
        f"again after a lost acknowledgement, {sender.transactions} transactions, {sender.aborted} aborted"
    )
    say(f"webhooks answered {answers}")
    say(f"lost {verdict.lost}, doubled {verdict.doubled}")
    say(
        f"holes found and refilled {counted['holes']} with {counted['hole_records']} records; positions "
        f"moved {counted['moved']}, stale rows {counted['stale']}, faults waited out {counted['faults']}; "
        f"most memory of a worker {monitor.most_rss_bytes / 2**20:.0f} MB"
    )
    say("  ".join(f"{name} {count:,}" for name, count in verdict.figures.items()))
    for problem in verdict.problems:
        say(f"WRONG {problem}")
    say("everything agrees, verify is green" if not verdict.problems else "something is WRONG")


async def run(seconds: float, seed: int, rate: float, workers: int, folder: Path) -> bool:
    random = Random(seed)
    traffic = Traffic(seed, PARTITIONS)
    async with running(folder) as cluster, Monitor(cluster).watching() as monitor:
        hazards = Hazards(cluster, monitor, random)
        async with under_load(cluster, traffic, rate) as load:
            await hazards.begin(workers)
            await load.sender.send(traffic.opening())
            say(f"{workers} workers, {rate:.0f} records/s, seed {seed}, folder {folder}")
            chaos = Chaos(hazards, monitor, load, random)
            try:
                await chaos.run(seconds)
            finally:
                summary(chaos)
        verdict = await settle(cluster, monitor, hazards, load)
        closing(chaos, load, verdict)
        return not verdict.problems and not chaos.problems


async def settle(cluster: Cluster, monitor: Monitor, hazards: Hazards, load: Load) -> Verdict:
    say("the load is off; waiting until positions are end offsets")
    began = time.monotonic()
    await drained(cluster, monitor)
    say(f"drained after {time.monotonic() - began:.1f} s; stopping the workers and judging")
    await hazards.all_down()
    began = time.monotonic()
    verdict = await judge(cluster, load.sender.traffic.truth, hazards.forged)
    tell(load, monitor, verdict)
    say(f"judged in {time.monotonic() - began:.0f} s")
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills, pauses and joins at random under load.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rate", type=float, default=300.0, help="records per second")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    seconds = options.minutes * 60
    return run_in_folder(
        "chaos", options.seed, partial(run, seconds, options.seed, options.rate, options.workers)
    )


if __name__ == "__main__":
    sys.exit(main())
