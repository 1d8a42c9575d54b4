"""`POST /webhooks/stripe` beside a bare aiohttp handler that reads the body and answers 200.

    python -m bench.webhooks [--requests 4000] [--connections 32] [--rounds 3]

What the ratio buys: the signature, the record, and the broker's acknowledgement before every answer. Both
servers are processes of their own; the client shares the machine with them and with Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median, quantiles
from typing import NamedTuple

from aiohttp import web

from app.kafka.reader import RangeReader
from bench.load import PARTITIONS
from bench.servers import servers, until_told
from tests.support.psp_payments import StripePayment, our_ids
from tests.support.webhooks import STRIPE_SECRET, stripe_delivery

TOPIC = "psp.webhooks"
READY_SECONDS = 60.0
WARM_UP = 1000


class Figure(NamedTuple):
    per_second: float
    p50_ms: float
    p99_ms: float


async def bare(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


def serve_bare() -> None:
    app = web.Application(client_max_size=2 * 1024 * 1024)
    app.router.add_post("/webhooks/stripe", bare)

    async def main() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        print(f"bare: http://{host}:{port}/", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


@asynccontextmanager
async def started(*command: str, **environment: str) -> AsyncIterator[tuple[str, int]]:
    """A server's host and port, from the URL in the first line it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *command, env=os.environ | environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)).decode()
        host, port = line.rpartition("//")[2].strip().strip("/").split(":")
        yield host, int(port)
    finally:
        process.terminate()
        await process.wait()


def make_requests(count: int, first: int) -> list[bytes]:
    """HTTP requests with bodies that all differ, rightly signed for the next five minutes."""
    made = []
    for number in range(first, first + count):
        event = StripePayment(number, our_ids("m-1", f"pay-{number}")).charge_captured()
        _, headers, body = stripe_delivery(event, int(time.time()))
        lines = [
            "POST /webhooks/stripe HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
            f"Content-Length: {len(body)}", f"Stripe-Signature: {headers['stripe-signature']}",
        ]  # fmt: skip
        made.append("\r\n".join([*lines, "", ""]).encode() + body)
    return made


async def measure(where: tuple[str, int], requests: Sequence[bytes], connections: int) -> Figure:
    left, took = list(requests), list[float]()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(*where)
        while left:
            began = time.perf_counter()
            writer.write(left.pop())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{where}: {head.decode()}")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r", 1)[0]))
            took.append((time.perf_counter() - began) * 1000)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    seconds = time.perf_counter() - began
    return Figure(len(requests) / seconds, median(took), quantiles(took, n=100)[98])


async def compare(count: int, connections: int, rounds: int) -> None:
    with servers() as running:
        async with running.emptied() as run:
            environment = {
                "KAFKA_BOOTSTRAP_SERVERS": running.kafka,
                "DATABASE_URL": run.dsn,
                "TALLYSTICK_PARTITIONS": str(PARTITIONS),
                "TALLYSTICK_WEB_PORT": "0",
                "TALLYSTICK_KEY_SECRET": "k" * 32,
                "TALLYSTICK_PSP_STRIPE_WEBHOOK_SECRETS": STRIPE_SECRET,
            }
            async with (
                started("app", "web", **environment) as ours,
                started("bench.webhooks", "bare") as peer,
            ):
                await measure(ours, make_requests(WARM_UP, 0), connections)
                sent, ratios = WARM_UP, []
                for _ in range(rounds):
                    requests = make_requests(count, sent)
                    one = await measure(ours, requests, connections)
                    other = await measure(peer, requests, connections)
                    sent += count
                    ratios.append(one.per_second / other.per_second)
                    print(f"web  {_line(one)}\nbare {_line(other)}   web/bare {ratios[-1]:.2f}", flush=True)
                stored = await _stored(run.reader)
    print(f"median web/bare {median(ratios):.2f}; {stored} stored of {sent} answered")
    if stored != sent:
        raise SystemExit("not everything that was answered is stored")


async def _stored(reader: RangeReader) -> int:
    return sum((await reader.end_offsets([(TOPIC, number) for number in range(PARTITIONS)])).values())


def _line(figure: Figure) -> str:
    return f"{figure.per_second:7,.0f}/s   p50 {figure.p50_ms:6.1f} ms   p99 {figure.p99_ms:6.1f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["bare"])
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.what == "bare":
        serve_bare()
    else:
        until_told(compare(asked.requests, asked.connections, asked.rounds))
