"""A settlement file of N lines while payments keep flowing: lines/s, cost per line, memory, from 10k to 1M.

    python -m bench.lines --lines 10000,100000,1000000 --payments-rate 200

Each size gets empty topics and an empty database, once with the lines from a file through `ingest` and once
straight on `settlements.lines`. The payments are sent first and are at rest; then others, with their lines,
flow at the rate beside it all, and are in the cost per line. 1 % of the lines differ, half of 1 % have no
payment (they wait a second for it, then go to the open partition), a tenth name only the order. What was
planted must be what is open, each line once, transit = net: a wrong answer gets no figure.
"""

from __future__ import annotations

import argparse
import logging

from bench.answer import WrongAnswer
from bench.lines_run import WAYS, Asked, Figures, measure
from bench.servers import servers, until_told
from bench.working import load_average


async def lines(sizes: list[int], ways: list[str], asked: Asked) -> bool:
    """False where an answer was wrong."""
    right = True
    with servers() as running:
        for size in sizes:
            for way in ways:
                try:
                    report(way, await measure(running, asked, size, way))
                except (WrongAnswer, TimeoutError) as problem:
                    right = False
                    notes = getattr(problem, "__notes__", [])
                    print(f"{size:,} {way}: no figure: {problem!r}", *notes, sep="\n", flush=True)
    return right


def report(way: str, found: Figures) -> None:
    cpu, times, ingest = found.cpu, found.seconds, found.ingest
    print(f"\n{found.lines:,} lines by {way} ({load_average()}); "
          f"{found.prepared:,} payments prepared at {found.prepared / times.prepared:,.0f}/s")  # fmt: skip
    print(f"  lines/s: {found.lines / times.sent:,.0f} sent, "
          f"{found.lines / times.decided:,.0f} until all are matched or wait for their payment, "
          f"{found.lines / times.flagged:,.0f} until the last is flagged")  # fmt: skip
    print(f"  CPU us per line: workers {cpu.worker:.0f}, PostgreSQL {cpu.postgres:.0f}, "
          f"broker {cpu.broker:.0f}, with {found.flowed:,} payments and their lines that flowed")  # fmt: skip
    whole = sum(cpu) * found.lines / found.records
    print(f"  {found.records:,} records decided in all lanes, CPU us of all three per record: {whole:.0f}")
    memory = [
        f"worker {before:.0f} before, {worker.most:.0f} at most, {worker.now:.0f} at the end"
        for before, worker in zip(found.before_megabytes, found.workers, strict=True)
    ]
    if ingest is not None:
        memory.append(f"ingest {ingest.most:.0f} at most, {ingest.now:.0f} at the end")
        print(f"  CPU us per line of ingest: {found.ingest_microseconds:.0f}")
    print(f"  MB resident: {'; '.join(memory)}")
    flow = found.flow_meanwhile
    print(f"  the flow's time to detect, ms p50/p90/p99/most: {found.flow_alone} alone, {flow} meanwhile "
          f"({flow.number} differences)", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", default="10000,100000,1000000", help="sizes, with commas between")
    parser.add_argument("--payments-rate", type=float, default=200.0, help="payments per second beside it")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, action="append", default=[], help="may be repeated")
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    sizes = [int(size) for size in options.lines.split(",")]
    asked = Asked(options.payments_rate, options.workers)
    raise SystemExit(0 if until_told(lines(sizes, options.way or list(WAYS), asked)) else 1)


if __name__ == "__main__":
    main()
