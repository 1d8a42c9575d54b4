"""Time to detect at a steady rate: from a settlement line's append to its mismatch, committed and published.

    python -m bench.detect --rate 1000 --seconds 60

Each payment's line comes 0.3 to 2 s after it, in random order; 2 % of the pairs differ in amount, fee or
currency, 1 % are settled twice, a tenth of the lines name only the order. What was planted must be what is
open, each line once, transit = net: a wrong answer gets no figure. Beside it, on the same records at the
same time, a plain consumer that pairs in a dict and keeps no books (`--alone`: without it).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bench.answer import WrongAnswer
from bench.detected import Times, committed, published, published_by_peer
from bench.load import opening
from bench.machine import Cpu, seconds
from bench.measure import Peer, process, python
from bench.pairs import Mix, Pairs, Truth, source
from bench.recon_answer import check
from bench.servers import RESULTS, Emptied, Servers, servers, until_told
from bench.traffic import Traffic, arrivals
from bench.working import Worker, at_rest, backlog, begin, cpu_of_all, load_average, until, workers

SOURCE: Final = "acquirer"
WINDOW_SECONDS: Final = 86_400
REST_SECONDS: Final = 900.0
PEER_SECONDS: Final = 30.0
WARM_SECONDS: Final = 3.0
WARM_FIRST: Final = 900_000_000
"""Number of the first payment that only warms everything up."""


class Asked(NamedTuple):
    """`rate`: payments per second, with as many lines. `alone`: without the peer."""

    rate: float
    seconds: float
    workers: int
    references: bool
    alone: bool


class Figures(NamedTuple):
    """`cpu`: microseconds per payment with its line. `peer` None: there was none, or its answer was wrong."""

    truth: Truth
    traffic: Traffic
    backlog: int
    cpu: Cpu
    committed: Times
    published: Times
    peer: Times | None
    peer_microseconds: float


async def detect(asked: Asked) -> None:
    with servers() as running:
        async with running.emptied() as run:
            await run.send(opening(asked.references, {SOURCE: source(WINDOW_SECONDS)}))
            with workers(running, run, asked.workers) as started, _peer(running, run, asked.alone) as peer:
                await begin(run, started)
                if peer is not None:
                    await until(lambda: _reads(running), REST_SECONDS, "the peer to read", [peer])
                report(asked, await _measure(running, run, started, peer, asked))


@contextmanager
def _peer(running: Servers, run: Emptied, alone: bool) -> Iterator[Worker | None]:
    if alone:
        yield None
        return
    pairing = Peer("pair", python("-m", "bench.pair_loop"), {"TALLYSTICK_WORKER_ID": "pair"})
    with process(running, pairing, run.dsn) as started:
        yield started


async def _reads(running: Servers) -> bool:
    return "READY" in (running.folder / "pair.log").read_text("utf-8")


async def _measure(
    running: Servers, run: Emptied, started: list[Worker], peer: Worker | None, asked: Asked
) -> Figures:
    pairs = Pairs(SOURCE, Mix(by_reference=10 if asked.references else 0))
    warm, truth = Truth(), Truth()
    await Traffic(run.publisher, arrivals(pairs, warm, WARM_FIRST, asked.rate, WARM_SECONDS)).send()
    await until(lambda: at_rest(run), REST_SECONDS, "the lanes to be warm", started)
    peer_pid = peer.pid if peer is not None else None
    since, before, peer_before = datetime.now(UTC), cpu_of_all(running, started), seconds(peer_pid)
    traffic = Traffic(run.publisher, arrivals(pairs, truth, 0, asked.rate, asked.seconds))
    await traffic.send()
    left = await backlog(run)
    await until(lambda: at_rest(run), REST_SECONDS, "everything to be at rest", started)
    cpu = cpu_of_all(running, started).per_record(before, truth.payments)
    peer_cpu = (seconds(peer_pid) - peer_before) / truth.payments * 1e6
    await check(run, [warm, truth])
    by_peer = await _of_peer(run, peer, warm, truth) if peer is not None else None
    kept, seen = await committed(run, SOURCE, since), await published(run, truth)
    return Figures(truth, traffic, left, cpu, kept, seen, by_peer, peer_cpu)


async def _of_peer(run: Emptied, peer: Worker, warm: Truth, truth: Truth) -> Times | None:
    planted = len(warm.planted) + len(truth.planted)
    with suppress(TimeoutError, WrongAnswer):
        await until(lambda: _found(run, planted), PEER_SECONDS, "the peer to find them", [peer])
    return await published_by_peer(run, truth, warm.planted)


async def _found(run: Emptied, planted: int) -> bool:
    return (await run.ends((RESULTS,)))[RESULTS] >= planted


def report(asked: Asked, figures: Figures) -> None:
    truth, traffic = figures.truth, figures.traffic
    print(f"{truth.payments:,} payments and {truth.lines:,} lines, {asked.rate:,.0f}/s of each asked, "
          f"{asked.rate * traffic.share:,.0f} held, at most {traffic.late_seconds * 1000:.0f} ms late; "
          f"{figures.backlog:,} records undecided when the last was sent; {load_average()}")  # fmt: skip
    print(f"{len(truth.planted):,} differences planted, the same found; each line once, transit = net")
    print(f"{'ms p50/p90/p99/most':34}{'line to commit':>22}{'line to topic':>22}"
          f"{'CPU us: it':>12}{'database':>10}{'broker':>8}")  # fmt: skip
    cpu = figures.cpu
    print(f"{'the program':34}{figures.committed!s:>22}{figures.published!s:>22}"
          f"{cpu.worker:>12.0f}{cpu.postgres:>10.0f}{cpu.broker:>8.0f}")  # fmt: skip
    if figures.peer is not None:
        peer, seen = figures.peer, figures.published
        print(f"{'a dict, no books, no database':34}{'-':>22}{peer!s:>22}{figures.peer_microseconds:>12.0f}")
        print(f"ratio p50 {seen.p50 / max(peer.p50, 1):.1f}, p99 {seen.p99 / max(peer.p99, 1):.1f}")
    elif not asked.alone:
        print("a dict, no books, no database: no figure, its answer was wrong")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=1_000.0, help="payments per second, and lines")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-references", action="store_true", help="the PSP's lines name its own ids only")
    parser.add_argument("--alone", action="store_true", help="without the peer beside it")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    asked = Asked(options.rate, options.seconds, options.workers, not options.no_references, options.alone)
    until_told(detect(asked))


if __name__ == "__main__":
    main()
