"""Webhooks to merchants at a steady rate while a part of their endpoints hang or fail.

    python -m bench.webhooks_out [--rate 200] [--seconds 20] [--endpoints 100] [--bad 0.05] [--workers 1]

`--rate` deliveries a second are asked for in the log, spread evenly over the endpoints; of the bad ones every
other hangs, the rest answer 500. Told of the healthy ones: the time from the request to its arrival at the
merchant's server, which also checks that every object's events came complete and in order. Beside it the
workers' memory, in quarters of the run. Log, database, workers, receiver and this client share one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from statistics import mean
from typing import NamedTuple

import aiohttp

from app.contracts.codec import encode
from app.domain.effects import EffectRequested, WebhookDelivery, webhook_target
from app.domain.streams import EFFECTS_REQUESTS
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from bench.load import PARTITIONS
from bench.machine import Cpu, rss_megabytes, seconds
from bench.measure import Peer, process
from bench.receiver import Summary
from bench.servers import Emptied, Servers, servers, until_told
from bench.webhooks import started

TICK_SECONDS = 0.05
OBJECTS = 20
"""Per endpoint; each is a payment with a sequence of events."""
SETTLE_SECONDS = 60.0
WARM_SECONDS = 60.0
WARM_ENDPOINTS = 16
WORKER = {
    "TALLYSTICK_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TALLYSTICK_WEBHOOK_SIGNING_SECRET": "b" * 32,
}


class Plan(NamedTuple):
    """How much is asked for, and of whom."""

    rate: float
    seconds: float
    endpoints: int
    bad: float

    @property
    def deliveries(self) -> int:
        return round(self.rate * self.seconds)

    def path(self, endpoint: int) -> str:
        """The last endpoints are the bad ones."""
        healthy = self.endpoints - round(self.endpoints * self.bad)
        if endpoint < healthy:
            return f"ok/{endpoint}"
        return f"hang/{endpoint}" if endpoint % 2 else f"fail/{endpoint}"

    def to_healthy(self) -> int:
        return sum(self.path(number % self.endpoints).startswith("ok") for number in range(self.deliveries))


def request(plan: Plan, number: int, url: str, run: str = "run") -> Outgoing:
    """Of event `number`; `run` keeps the warm-up apart."""
    endpoint, turn = number % plan.endpoints, number // plan.endpoints
    merchant, name = f"m-{endpoint % 50}", f"we_{run}_{endpoint}"
    event = f"{run}.{number}"
    body = f'{{"type":"payment.captured","id":"{event}","asked_at":{time.time()},"note":"{"x" * 400}"}}'
    work = WebhookDelivery(
        merchant_id=merchant, endpoint_id=name, url=f"{url}{run}/{plan.path(endpoint)}", event_id=event,
        event_type="payment.captured", body=body,
    )  # fmt: skip
    target = webhook_target(merchant, name)
    effect = EffectRequested(
        id=f"{event}/{name}", target=target, work=work,
        object=f"payment/pay-{turn % OBJECTS}", seq=turn // OBJECTS + 1,
    )  # fmt: skip
    key = target.encode()
    return Outgoing(EFFECTS_REQUESTS, partition_for(key, PARTITIONS), key, encode(effect))


async def ask(run: Emptied, plan: Plan, url: str) -> float:
    """At the plan's pace; returns by how many seconds the client itself fell behind it at most."""
    began, sent, late = time.perf_counter(), 0, 0.0
    while sent < plan.deliveries:
        due = min(int((time.perf_counter() - began) * plan.rate) + 1, plan.deliveries)
        await run.publisher.publish([request(plan, number, url) for number in range(sent, due)])
        sent = due
        pause = began + sent / plan.rate - time.perf_counter()
        late = max(late, -pause)
        await asyncio.sleep(max(pause, TICK_SECONDS))
    return late


@contextmanager
def workers(running: Servers, dsn: str, count: int) -> Iterator[list[int]]:
    """Their pids."""
    with ExitStack() as stack:
        pids = []
        for number in range(count):
            names = {**WORKER, "TALLYSTICK_WORKER_ID": f"worker-{number}"}
            names["TALLYSTICK_DATA_DIR"] = str(running.folder / f"worker-{number}")
            peer = Peer("worker", [sys.executable, "-m", "app", "worker"], names)
            pids.append(stack.enter_context(process(running, peer, dsn)).pid)
        yield pids


@asynccontextmanager
async def memory(pids: list[int]) -> AsyncIterator[list[float]]:
    """Megabytes of all workers together, each second."""
    seen: list[float] = []

    async def watch() -> None:
        while True:
            seen.append(sum(rss_megabytes(pid) for pid in pids))
            await asyncio.sleep(1)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()


async def until_received(url: str, run: str, count: int, within_seconds: float) -> Summary:
    """The receiver's word as soon as it has so many events, else at the end of the time."""
    deadline = time.perf_counter() + within_seconds
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}summary/{run}") as response:
                summary = Summary(**await response.json())
            if summary.events >= count or time.perf_counter() > deadline:
                return summary
            await asyncio.sleep(0.5)


async def warm_up(run: Emptied, url: str) -> None:
    """Until the workers own their lanes: one delivery to each of a few endpoints has arrived."""
    plan = Plan(1.0, WARM_ENDPOINTS, WARM_ENDPOINTS, 0.0)
    await run.send([request(plan, number, url, "warm") for number in range(plan.deliveries)])
    summary = await until_received(url, "warm", plan.deliveries, WARM_SECONDS)
    if summary.events < plan.deliveries:
        raise SystemExit("the workers deliver nothing")


async def bench(plan: Plan, count: int) -> None:
    with servers() as running:
        async with running.emptied() as run, started("bench.receiver") as (host, port):
            url = f"http://{host}:{port}/"
            with workers(running, run.dsn, count) as pids:
                await warm_up(run, url)
                async with memory(pids) as seen:
                    began, before = time.perf_counter(), cpu(running, pids)
                    late = await ask(run, plan, url)
                    summary = await until_received(url, "run", plan.to_healthy(), SETTLE_SECONDS)
                    took = time.perf_counter() - began
                    spent = cpu(running, pids).per_record(before, summary.events + summary.bad_requests)
    tell(plan, summary, took, late, seen)
    parts = f"workers {spent.worker:.0f}, PostgreSQL {spent.postgres:.0f}, broker {spent.broker:.0f}"
    print(f"CPU per delivery, microseconds: {parts}")
    if summary.events != plan.to_healthy() or summary.out_of_order:
        raise SystemExit("not everything arrived, or not in order")


def cpu(running: Servers, pids: list[int]) -> Cpu:
    """All workers together."""
    return running.cpu(None)._replace(worker=sum(seconds(pid) for pid in pids))


def tell(plan: Plan, summary: Summary, lasted: float, late: float, seen: list[float]) -> None:
    wanted, quarter = plan.to_healthy(), max(len(seen) // 4, 1)
    quarters = [mean(seen[begin : begin + quarter]) for begin in range(0, quarter * 4, quarter)]
    bad = round(plan.endpoints * plan.bad)
    print(f"{plan.rate:,.0f}/s for {plan.seconds:.0f} s to {plan.endpoints} endpoints, {bad} of them bad")
    print(f"healthy: {summary.events:,} of {wanted:,} in {lasted:.1f} s, {summary.repeats} of them again")
    took = f"p50 {summary.p50_ms:.0f} ms, p99 {summary.p99_ms:.0f} ms, at most {summary.most_ms:.0f} ms"
    print(f"  from request to arrival: {took}; the client was at most {late * 1000:.0f} ms behind")
    print(f"  out of order: {summary.out_of_order}")
    print(f"bad: {summary.bad_requests:,} requests, {summary.hanging:,} of them still hanging at the end")
    print("workers' memory by quarter: " + ", ".join(f"{megabytes:.0f} MB" for megabytes in quarters))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--endpoints", type=int, default=100)
    parser.add_argument("--bad", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    plan_asked = Plan(asked.rate, asked.seconds, asked.endpoints, asked.bad)
    until_told(bench(plan_asked, asked.workers))
