"""Payments per second from Kafka into the committed ledger with all their effects, beside peers, in one run.

    python -m bench --records 100000 --rounds 3 --only whole

Every peer is a process of its own on servers started for this; each round takes them in random order, with
an empty database and empty topics for each. What a peer wrote is verified first: a wrong answer gets no
figure. Only ratios of one run mean something on another machine.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bench.answer import WrongAnswer
from bench.load import Load, make_load
from bench.machine import Cpu
from bench.measure import Figure, Peer, measure_insert, measure_lanes, measure_raw, python
from bench.servers import Servers, servers, until_told

Measure = Callable[[Servers, Peer, Load], Awaitable[Figure]]

PEERS: Final[Mapping[str, tuple[Peer, Measure]]] = {
    "raw": (Peer("raw aiokafka loop, no database", python("-m", "bench.raw_loop")), measure_raw),
    "insert": (
        Peer(
            "the commit alone, one connection",
            python("-m", "bench.store", "--variant", "commit", "--rounds", "1", "--batch", "2000", "--json"),
        ),
        measure_insert,
    ),
    "whole": (Peer("the program: whole fetches", python("-m", "app", "worker")), measure_lanes),
    "event": (
        Peer(
            "the same lanes, Faust per event",
            python("-m", "bench.per_event"),
            {"TALLYSTICK_STALLED_SECONDS": "86400"},
            share=0.25,
        ),
        measure_lanes,
    ),
    "norefs": (
        Peer("the program, no pointers", python("-m", "app", "worker"), references=False),
        measure_lanes,
    ),
    "nodedup": (
        Peer(
            "the program, dedup table off", python("-m", "app", "worker"), {"TALLYSTICK_DEDUP_TABLE": "off"}
        ),
        measure_lanes,
    ),
    "skewed": (
        Peer("the program, 90 % to one merchant", python("-m", "app", "worker"), skewed=True),
        measure_lanes,
    ),
}
BASE: Final = "whole"
"""The peer that the others are compared with."""


async def run(records: int, rounds: int, names: Sequence[str]) -> Mapping[str, list[Figure]]:
    figures: dict[str, list[Figure]] = {name: [] for name in names}
    wrong: set[str] = set()
    with servers() as running:
        for number in range(rounds):
            for name in random.sample(names, len(names)):
                try:
                    figures[name].append(await _once(running, name, records, number))
                except (WrongAnswer, TimeoutError) as problem:
                    wrong.add(name)
                    notes = getattr(problem, "__notes__", [])
                    print(f"{name}: no figure: {problem!r}", *notes, sep="\n", flush=True)
    return {name: each if name not in wrong else [] for name, each in figures.items()}


async def _once(running: Servers, name: str, records: int, number: int) -> Figure:
    peer, measure = PEERS[name]
    load = make_load(int(records * peer.share), skewed=peer.skewed, seed=number)
    figure: Figure = await measure(running, peer, load)
    busy = os.getloadavg()[0]
    print(f"round {number + 1} {name}: {figure.rate:,.0f}/s (load average {busy:.1f})", flush=True)
    return figure


def report(figures: Mapping[str, list[Figure]]) -> None:
    base = statistics.median(each.rate for each in figures[BASE]) if figures.get(BASE) else None
    print(f"\n{'':34}{'payments/s min':>15}{'median':>9}{'max':>9}{'ratio':>7}{'decided/s':>11}"
          f"{'CPU us: peer':>14}{'database':>10}{'broker':>8}{'by log':>8}{'again':>7}")  # fmt: skip
    for name, runs in figures.items():
        title = PEERS[name][0].name
        if not runs:
            print(f"{title:34} no figure")
            continue
        rates = [each.rate for each in runs]
        middle = statistics.median(rates)
        cpu = Cpu(*(statistics.median(part) for part in zip(*(each.cpu for each in runs), strict=True)))
        ratio = f"{middle / base:7.2f}" if base else f"{'':7}"
        decided = statistics.median(each.decided for each in runs)
        print(f"{title:34}{min(rates):>15,.0f}{middle:>9,.0f}{max(rates):>9,.0f}{ratio}{decided:>11,.0f}"
              f"{cpu.worker:>14.1f}{cpu.postgres:>10.1f}{cpu.broker:>8.1f}"
              f"{statistics.median(each.by_log for each in runs):>8,.0f}"
              f"{statistics.median(each.again for each in runs):>7,.0f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000, help="payments sent to each peer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=PEERS, default=[], help="may be repeated")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it warns of every topic that is quite new
    report(until_told(run(options.records, options.rounds, options.only or list(PEERS))))


if __name__ == "__main__":
    main()
