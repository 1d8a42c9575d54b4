"""The peak of a busy platform at once: payments from the log, reads over HTTP, webhooks to merchants.

    python -m bench.peak --share 0.25 --seconds 60

The whole peak is 2,000 payments/s, 3,000 reads/s and 1,000 deliveries/s; `--share` asks for a part of each.
Half of the merchants have an endpoint. Each payment must be in the books once, every delivery done: a wrong
answer gets no figure. Log, database, worker, web, receiver and this client share one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random
from statistics import quantiles
from typing import Final, NamedTuple

import orjson

from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from bench.answer import WrongAnswer
from bench.load import MERCHANTS, PARTITIONS, opening, payment
from bench.machine import rss_megabytes
from bench.measure import Peer, process, python
from bench.servers import Emptied, Servers, servers, until_told
from bench.webhooks import started
from bench.working import at_rest, begin, load_average, until
from tests.support.commands import environment, run_app

PAYMENTS, READS, DELIVERIES = 2_000, 3_000, 1_000
"""Per second, the whole peak."""
CONNECTIONS: Final = 32
TICK_SECONDS: Final = 0.05
REST_SECONDS: Final = 900.0
COMMITTED: Final = """
SELECT extract(epoch FROM b.committed_at - t.recorded_at) * 1000 AS ms
  FROM ledger_transactions t
  JOIN batches b ON b.topic = t.source_topic AND b.partition = t.source_partition
   AND t.source_offset BETWEEN b.first_offset AND b.last_offset
 WHERE t.kind = 'capture' AND t.recorded_at >= $1"""
DELIVERED: Final = """
SELECT extract(epoch FROM (state->'recent'->-1->>'at')::timestamptz - created_at) * 1000 AS ms
  FROM effects WHERE status = 'done' AND created_at >= $1"""
OPEN: Final = "SELECT count(*) FROM effects WHERE status IN ('ready', 'waiting')"
BOOKED: Final = "SELECT count(*) FROM payments"


class Asked(NamedTuple):
    share: float
    seconds: float

    def rate(self, whole: int) -> float:
        return whole * self.share


class Reads:
    """GETs of payments that were sent a while ago, at a rate, over a few connections."""

    def __init__(self, url: str, key: str, rate: float) -> None:
        self._host, port = url.rpartition("//")[2].strip("/").split(":")
        self._port, self._key, self._rate = int(port), key, rate
        self.newest = 0
        self.took_ms: list[float] = []
        self.failed = 0

    async def run(self, seconds: float) -> None:
        began = time.perf_counter()
        each = self._rate / CONNECTIONS
        await asyncio.gather(*(self._connection(n, began, each, seconds) for n in range(CONNECTIONS)))

    async def _connection(self, number: int, began: float, rate: float, seconds: float) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        chance, index = Random(number), 0
        while (due := (index + number / CONNECTIONS) / rate) < seconds:
            await asyncio.sleep(max(began + due - time.perf_counter(), 0))
            sent = time.perf_counter()
            writer.write(self._request(chance.randrange(max(self.newest, 1))))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r", 1)[0]))
            self.took_ms.append((time.perf_counter() - sent) * 1000)
            self.failed += not head.startswith(b"HTTP/1.1 200")
            index += 1
        writer.close()

    def _request(self, payment_number: int) -> bytes:
        path = f"/v1/payments/pay-{payment_number}"
        return f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n\r\n".encode()


async def peak(asked: Asked) -> None:
    with servers() as running:
        async with running.emptied() as run, AsyncExitStack() as closing:
            host, port = await closing.enter_async_context(started("bench.receiver"))
            told = _names(running, run)
            worker = closing.enter_context(
                process(running, Peer("worker-0", python("-m", "app", "worker"), told), run.dsn)
            )
            web_host, web_port = await closing.enter_async_context(started("app", "web", **told))
            await run.send([*opening(), *_endpoints(f"http://{host}:{port}/")])
            await begin(run, [worker])
            reads = Reads(f"http://{web_host}:{web_port}/", _key(told), asked.rate(READS))
            await _send(run, 0, 2_000, 500.0, reads)
            await until(lambda: _at_rest(run), REST_SECONDS, "everything to be warm", [worker])
            since, before = datetime.now(UTC), rss_megabytes(worker.pid)
            count = int(asked.rate(PAYMENTS) * asked.seconds)
            late, _ = await asyncio.gather(
                _send(run, 2_000, count, asked.rate(PAYMENTS), reads), reads.run(asked.seconds)
            )
            backlog = time.perf_counter()
            await until(lambda: _at_rest(run), REST_SECONDS, "everything to be at rest", [worker])
            backlog, after = time.perf_counter() - backlog, rss_megabytes(worker.pid)
            await _report(run, asked, since, count, reads, late, backlog, (before, after))


def _names(running: Servers, run: Emptied) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": running.kafka,
        "DATABASE_URL": run.dsn,
        "TALLYSTICK_PARTITIONS": str(PARTITIONS),
        "TALLYSTICK_WEB_PORT": "0",
        "TALLYSTICK_KEY_SECRET": "k" * 32,
        "TALLYSTICK_WEBHOOK_SIGNING_SECRET": "s" * 32,
        "TALLYSTICK_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "TALLYSTICK_WORKER_ID": "worker-0",
        "TALLYSTICK_DATA_DIR": str(running.folder / "worker-0"),
    }


def _key(told: dict[str, str]) -> str:
    """Of staff: payments of all merchants may be read."""
    done = run_app("keys", "create", "--role", "viewer", env=environment(**told))
    return str(re.findall(r"tally_\S+", done.stdout)[0])


def _endpoints(url: str) -> list[Outgoing]:
    """Every other merchant wants its captures told."""
    made = []
    for number in range(0, MERCHANTS, PAYMENTS // DELIVERIES):
        merchant = f"m-{number}"
        record = {
            "type": "webhook_endpoint.create", "id": f"we-{number}", "merchant_id": merchant,
            "endpoint_id": "we-1", "url": f"{url}run/ok/{number}", "events": ["payment.captured"],
        }  # fmt: skip
        raw = merchant.encode()
        made.append(Outgoing(PAYMENTS_COMMANDS, partition_for(raw, PARTITIONS), raw, orjson.dumps(record)))
    return made


async def _send(run: Emptied, first: int, count: int, rate: float, reads: Reads) -> float:
    """At the rate; returns by how many seconds this client fell behind it at most."""
    chance, began, sent, late = Random(first), time.perf_counter(), 0, 0.0
    while sent < count:
        due = min(int((time.perf_counter() - began) * rate) + 1, count)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        numbers = range(first + sent, first + due)
        await run.publisher.publish([_payment(number, chance, now) for number in numbers])
        sent, reads.newest = due, first + max(due - int(rate), 1)
        pause = began + sent / rate - time.perf_counter()
        late = max(late, -pause)
        await asyncio.sleep(max(pause, TICK_SECONDS))
    return late


def _payment(number: int, chance: Random, now: str) -> Outgoing:
    return payment(number, chance.randrange(MERCHANTS), chance.randrange(500, 50_000), now)


async def _at_rest(run: Emptied) -> bool:
    return await at_rest(run) and not await run.pool.fetchval(OPEN)


async def _report(
    run: Emptied,
    asked: Asked,
    since: datetime,
    count: int,
    reads: Reads,
    late: float,
    backlog: float,
    megabytes: tuple[float, float],
) -> None:
    booked = await run.pool.fetchval(BOOKED)
    if booked != 2_000 + count or reads.failed:
        raise WrongAnswer(f"{booked} payments booked of {2_000 + count}, {reads.failed} reads failed")
    committed = [float(row["ms"]) for row in await run.pool.fetch(COMMITTED, since)]
    delivered = [float(row["ms"]) for row in await run.pool.fetch(DELIVERED, since)]
    print(f"{asked.share:.0%} of the peak for {asked.seconds:.0f} s; {load_average()}; the client was "
          f"{late * 1000:.0f} ms late at most; at rest {backlog:.1f} s after the last")  # fmt: skip
    for what, rate, took in (
        ("payments, append to commit", PAYMENTS, committed),
        ("reads", READS, reads.took_ms),
        ("webhooks, request to attempt", DELIVERIES, delivered),
    ):
        print(f"{what:30} {asked.rate(rate):6,.0f}/s asked, {len(took):9,} in all   {_line(took)}")
    print(f"memory of the worker {megabytes[0]:.0f} MB, then {megabytes[1]:.0f} MB")


def _line(took: Sequence[float]) -> str:
    cuts = quantiles(took, n=100)
    return f"p50 {cuts[49]:7.0f} ms   p99 {cuts[98]:7.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description="Payments, reads and webhooks at once.")
    parser.add_argument("--share", type=float, default=0.25, help="of 2,000 + 3,000 + 1,000 a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    try:
        until_told(peak(Asked(given.share, given.seconds)))
    except WrongAnswer as wrong:
        sys.exit(f"wrong: {wrong}")


if __name__ == "__main__":
    main()
