"""A worker under a steady, mixed load: memory, lag, latencies every ten seconds, and whether the books hold.

    python -m bench.soak --minutes 10 --rate 2000

The load is the demo's: sales, refunds, payouts, settlement lines, repeats, planted mismatches, timers of
seconds. Latencies are taken from the database alone: from a record's append at the broker to the insert of
its batch's row, and from a second side's append to the insert of the mismatch.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from app.demo.configure import platform
from app.demo.generator import Generator
from app.demo.sender import Sender
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS, PSP_WEBHOOKS, SETTLEMENTS_LINES
from app.kafka.publisher import Outgoing
from app.lane.catalogue import RULES
from bench.load import PARTITIONS
from bench.machine import rss_megabytes, seconds
from bench.measure import POLL_SECONDS, Peer, process, python
from bench.servers import Emptied, Servers, servers, until_told
from tests.support.commands import run_app
from tests.support.stored_webhooks import stored

EVERY_SECONDS: Final = 10.0
READY_SECONDS: Final = 180.0
REST_SECONDS: Final = 300.0
LANES: Final = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, SETTLEMENTS_LINES, PSP_WEBHOOKS)
MOST_SAMPLES: Final = 20_000
"""Postings looked at per line, evenly over its ten seconds when there were more."""


class Sample(NamedTuple):
    at: float
    committed: int
    megabytes: float
    cpu_seconds: float


class Soak:
    """One run; `lines` are what was printed."""

    def __init__(self, run: Emptied, workers: list[Any]) -> None:
        self._run, self._workers = run, workers
        self._began = time.monotonic()
        self._number = 0
        self._looked_at = datetime.now(UTC)
        self.samples: list[Sample] = []

    async def watch(self) -> None:
        """Prints a line every EVERY_SECONDS until cancelled."""
        print(f"{'s':>6}{'records/s':>11}{'lag':>9}{'RSS MB':>9}{'CPU us':>9}{'commit p50/p99 ms':>20}"
              f"{'mismatch p50/p99 ms':>21}", flush=True)  # fmt: skip
        self.samples.append(await self._sample())
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self._line()

    async def _line(self) -> None:
        before, now = self.samples[-1], await self._sample()
        self.samples.append(now)
        records = now.committed - before.committed
        cpu = (now.cpu_seconds - before.cpu_seconds) / max(records, 1) * 1e6
        commit, mismatch = await self._latencies()
        lag = sum((await self._run.ends(LANES)).values()) - now.committed
        rate = records / (now.at - before.at)
        figures = f"{now.at:>6.0f}{rate:>11,.0f}{lag:>9,}{now.megabytes:>9.0f}{cpu:>9.0f}"
        print(f"{figures}{commit:>20}{mismatch:>21}", flush=True)

    async def _sample(self) -> Sample:
        committed = await self._run.pool.fetchval(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM positions"
        )
        return Sample(
            time.monotonic() - self._began,
            committed,
            sum(rss_megabytes(worker.pid) for worker in self._workers),
            sum(seconds(worker.pid) for worker in self._workers),
        )

    async def _latencies(self) -> tuple[str, str]:
        """'p50/p99' of commits and of mismatches since the last call."""
        row = await self._run.pool.fetchrow(COMMITS, self._number, MOST_SAMPLES)
        self._number = row["last"] or self._number
        since, self._looked_at = self._looked_at, datetime.now(UTC)
        detected = await self._run.pool.fetchval(MISMATCHES, since)
        return _pair(row["ms"]), _pair(detected)

    async def whole_run(self) -> str:
        row = await self._run.pool.fetchrow(COMMITS, 0, MOST_SAMPLES)
        detected = await self._run.pool.fetchval(MISMATCHES, datetime.fromtimestamp(0, UTC))
        tenth = max(len(self.samples) // 10, 1)
        first, last = self.samples[tenth : 2 * tenth] or self.samples, self.samples[-tenth:]
        grown = _mean(last) - _mean(first)
        return (
            f"append to commit p50/p99 {_pair(row['ms'])} ms, second side to mismatch {_pair(detected)} ms; "
            f"memory {_mean(first):.0f} MB early, {_mean(last):.0f} MB at the end ({grown:+.0f})"
        )


def _mean(samples: list[Sample]) -> float:
    return sum(sample.megabytes for sample in samples) / len(samples)


def _pair(percentiles: list[float] | None) -> str:
    return "-" if not percentiles else "/".join(f"{value:.0f}" for value in percentiles)


async def soak(minutes: float, rate: float, workers: int, seed: int) -> bool:
    """True where everything came to rest and `verify` is green."""
    with servers() as running:
        async with running.emptied() as run:
            await run.send(_configuration())
            with ExitStack() as closing:
                started = [closing.enter_context(_worker(running, run, n)) for n in range(workers)]
                await _until(lambda: _shared_out(run), READY_SECONDS)
                watched = Soak(run, started)
                watching = asyncio.create_task(watched.watch())
                generator = Generator(seed, rate)
                sender = Sender(run.publisher, PARTITIONS)
                await sender.send(generator.opening())
                generator.restart(datetime.now(UTC))
                await sender.send_paced(stored(generator.records(minutes * 60), generator.started))
                await _until(lambda: _at_rest(run), REST_SECONDS)
                watching.cancel()
                print(f"{sender.sent:,} records sent; {await watched.whole_run()}")
                return _verified(running, run)


def _worker(running: Servers, run: Emptied, number: int) -> Any:
    environment = {
        "TALLYSTICK_WORKER_ID": f"soak-{number}",
        "TALLYSTICK_DATA_DIR": str(running.folder / f"worker-{number}"),
    }
    return process(running, Peer(f"worker-{number}", python("-m", "app", "worker"), environment), run.dsn)


def _configuration() -> list[Outgoing]:
    value = orjson.dumps({"type": "platform.configure", "id": "platform", **platform()})
    topics = (PAYMENTS_COMMANDS, MATCHING_COMMANDS)
    return [Outgoing(topic, number, b"platform", value) for topic in topics for number in range(PARTITIONS)]


def _verified(running: Servers, run: Emptied) -> bool:
    names = {"KAFKA_BOOTSTRAP_SERVERS": running.kafka, "DATABASE_URL": run.dsn}
    done = run_app("verify", env=os.environ | names, within_seconds=REST_SECONDS)
    print(done.stdout + done.stderr)
    return done.returncode == 0


async def _until(condition: Any, within_seconds: float) -> None:
    async with asyncio.timeout(within_seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(POLL_SECONDS)


async def _shared_out(run: Emptied) -> bool:
    owned = await run.pool.fetchval("SELECT sum(cardinality(lanes)) FROM workers")
    return bool(owned == PARTITIONS * len(RULES))


async def _at_rest(run: Emptied) -> bool:
    waiting = await run.pool.fetchval(WAITING)
    committed = await run.pool.fetchval("SELECT sum(next_offset)::bigint FROM positions")
    return not waiting and committed == sum((await run.ends(LANES)).values())


WAITING = """
SELECT (SELECT count(*) FROM outbox)
     + (SELECT count(*) FROM timers WHERE due_at < now() + interval '1 minute')"""
COMMITS = """
WITH fresh AS (
    SELECT *, row_number() OVER (ORDER BY number) AS place, count(*) OVER () AS among
      FROM ledger_transactions WHERE number > $1)
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
           ORDER BY extract(epoch FROM b.committed_at - t.recorded_at) * 1000) AS ms,
       max(t.number) AS last
  FROM (SELECT * FROM fresh WHERE place % greatest(among / $2::bigint, 1) = 0) t
 CROSS JOIN LATERAL (
       SELECT committed_at FROM batches b
        WHERE b.topic = t.source_topic AND b.partition = t.source_partition
          AND b.first_offset <= t.source_offset
        ORDER BY b.first_offset DESC LIMIT 1) b"""
MISMATCHES = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY detected_after_ms) FROM mismatches
 WHERE detected_at > $1 AND category NOT LIKE 'MISSING%'"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2_000.0, help="records per second over all topics")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    right = until_told(soak(options.minutes, options.rate, options.workers, options.seed))
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()
