"""`POST /v1/payments` at a steady rate, with the sandbox PSP answering after a given time.

    python -m bench.api --rate 500 --seconds 30 --psp-ms 100

From the request to its answer: web, log, merchant lane, effects lane, executor, the PSP's API, its answer as
a record, merchant lane, poller. Every payment must be captured once in our books, for what was asked: a wrong
answer gets no figure. Beside it, at the same time and by the same client, the PSP is asked directly now and
then: what of the time is the PSP's own and the crowded machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import quantiles
from typing import Final, NamedTuple

import aiohttp
import orjson

from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing
from app.lane.catalogue import OWNER_LANES
from bench.answer import WrongAnswer
from bench.load import PARTITIONS
from bench.measure import Peer, process, python
from bench.servers import Emptied, Servers, servers, until_told
from bench.webhooks import started
from bench.working import Worker, at_rest, begin, cpu_of_all, load_average, until
from tests.support.commands import environment, run_app
from tests.support.webhooks import SANDBOX_SECRET

MERCHANTS: Final = tuple(f"m-api-{number}" for number in range(8))
"""As many keys: one merchant's payments are decided one after the other, in one partition."""
PSP_KEY: Final = "sk_sandbox_of_the_bench"
REST_SECONDS: Final = 300.0
DIRECT_EVERY: Final = 20
"""Of so many requests one is also asked of the PSP itself."""
CAPTURED: Final = """
SELECT count(*) FILTER (WHERE status = 'captured') AS captured, count(*) AS payments,
       coalesce(sum(captured_amount), 0)::bigint AS amount FROM payments"""


class Asked(NamedTuple):
    rate: float
    seconds: float
    psp_ms: float


class Open(NamedTuple):
    """What is up: the web's URL, the merchants' keys, the PSP's URL, the worker."""

    url: str
    keys: list[str]
    psp: str
    worker: Worker


class Figures:
    """Milliseconds from request to answer, as they were measured."""

    def __init__(self) -> None:
        self.ours: list[float] = []
        self.direct: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.late_ms = 0.0


def names(running: Servers, run: Emptied, psp: str = "") -> dict[str, str]:
    """Every process is told the same."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": running.kafka,
        "DATABASE_URL": run.dsn,
        "TALLYSTICK_PARTITIONS": str(PARTITIONS),
        "TALLYSTICK_WEB_PORT": "0",
        "TALLYSTICK_KEY_SECRET": "k" * 32,
        "TALLYSTICK_WEBHOOK_SIGNING_SECRET": "s" * 32,
        "TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS": SANDBOX_SECRET,
        "TALLYSTICK_PSP_SANDBOX_API_KEY": PSP_KEY,
        "TALLYSTICK_PSP_SANDBOX_API_URL": psp,
    }


@asynccontextmanager
async def shop(running: Servers, run: Emptied, asked: Asked) -> AsyncIterator[Open]:
    async with AsyncExitStack() as closing:
        faults = ("--faults", f"latency_ms={asked.psp_ms:g}")
        command = ("app", "sandbox", "--port", "0", "--api-key", PSP_KEY, *faults)
        host, port = await closing.enter_async_context(started(*command))
        psp = f"http://{host}:{port}/"
        told = names(running, run, psp)
        worker = closing.enter_context(
            process(running, Peer("worker-0", python("-m", "app", "worker"), told), run.dsn)
        )
        host, port = await closing.enter_async_context(started("app", "web", **told))
        yield Open(f"http://{host}:{port}/", _keys(told), psp, worker)


def _keys(names: dict[str, str]) -> list[str]:
    """One per merchant."""
    printed = [run_app("keys", "create", "--merchant", each, env=environment(**names)) for each in MERCHANTS]
    return [re.findall(r"tally_\S+", done.stdout)[0] for done in printed]


def opening() -> list[Outgoing]:
    """The configuration: the merchants, and the sandbox as a PSP that we may call."""
    platform = {
        "type": "platform.configure", "id": "bench", "default_psp": "sandbox",
        "psps": {"sandbox": {"api": True, "references": False}},
    }  # fmt: skip
    value = orjson.dumps(platform)
    lanes = [(topic, number) for topic in OWNER_LANES for number in range(PARTITIONS)]
    return [
        *(Outgoing(topic, number, b"platform", value) for topic, number in lanes),
        *(_merchant(each) for each in MERCHANTS),
    ]


def _merchant(merchant_id: str) -> Outgoing:
    record = {"type": "merchant.configure", "id": "bench", "merchant_id": merchant_id}
    raw = merchant_id.encode()
    value = orjson.dumps({**record, "settlement_currency": "EUR"})
    return Outgoing(PAYMENTS_COMMANDS, partition_for(raw, PARTITIONS), raw, value)


async def one(session: aiohttp.ClientSession, url: str, key: str, number: int, figures: Figures) -> None:
    body = orjson.dumps(
        {
            "payment_id": f"pay-{number}", "amount": 1000 + number % 100, "currency": "EUR",
            "payment_method": "tok_ok", "order_ref": f"o-{number}",
        }
    )  # fmt: skip
    headers = {
        "Authorization": f"Bearer {key}", "Idempotency-Key": f"key-{number}",
        "Content-Type": "application/json", "Prefer": "wait=10",
    }  # fmt: skip
    began = time.perf_counter()
    async with session.post(f"{url}v1/payments", data=body, headers=headers) as answer:
        await answer.read()
        figures.statuses[answer.status] += 1
    figures.ours.append((time.perf_counter() - began) * 1000)


async def direct(session: aiohttp.ClientSession, psp: str, number: int, figures: Figures) -> None:
    headers = {"Authorization": f"Bearer {PSP_KEY}"}
    began = time.perf_counter()
    async with session.get(f"{psp}v1/charges/none-{number}", headers=headers) as answer:
        await answer.read()
    figures.direct.append((time.perf_counter() - began) * 1000)


async def send(url: str, keys: Sequence[str], psp: str, rate: float, seconds: float, first: int) -> Figures:
    """Open loop: a request begins when its time has come, whether or not others are answered."""
    figures, began = Figures(), time.perf_counter()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as requests:
        for index in range(int(rate * seconds)):
            due = began + index / rate
            if (early := due - time.perf_counter()) > 0.002:
                await asyncio.sleep(early)
            figures.late_ms = max(figures.late_ms, (time.perf_counter() - due) * 1000)
            requests.create_task(one(session, url, keys[index % len(keys)], first + index, figures))
            if index % DIRECT_EVERY == 0:
                requests.create_task(direct(session, psp, index, figures))
    return figures


async def measure(asked: Asked) -> None:
    with servers() as running:
        async with running.emptied() as run:
            await run.send(opening())
            async with shop(running, run, asked) as (url, keys, psp, worker):
                await begin(run, [worker])
                warm = int(asked.rate * 3)
                await send(url, keys, psp, asked.rate / 2, 6, 0)
                await until(lambda: at_rest(run), REST_SECONDS, "the lanes to be warm", [worker])
                before = cpu_of_all(running, [worker])
                figures = await send(url, keys, psp, asked.rate, asked.seconds, warm)
                await until(lambda: at_rest(run), REST_SECONDS, "the lanes to be at rest", [worker])
                cpu = cpu_of_all(running, [worker]).per_record(before, len(figures.ours))
                await check(run, warm + len(figures.ours))
    print(f"{len(figures.ours):,} payments at {asked.rate:g}/s, PSP {asked.psp_ms:g} ms; "
          f"answers {dict(figures.statuses)}; {figures.late_ms:.0f} ms late; {load_average()}")  # fmt: skip
    print(f"POST /v1/payments     {line(figures.ours)}")
    print(f"the PSP by itself     {line(figures.direct)}")
    print(
        f"CPU us per payment: worker {cpu.worker:.0f}, database {cpu.postgres:.0f}, broker {cpu.broker:.0f}"
    )


async def check(run: Emptied, payments: int) -> None:
    """Each captured once, for its amount."""
    row = await run.pool.fetchrow(CAPTURED)
    amount = sum(1000 + number % 100 for number in range(payments))
    if (row["captured"], row["payments"], row["amount"]) != (payments, payments, amount):
        raise WrongAnswer(f"{dict(row)}, wanted {payments} captured with {amount}")


def line(milliseconds: list[float]) -> str:
    cuts = quantiles(milliseconds, n=100)
    return f"p50 {cuts[49]:6.0f} ms   p90 {cuts[89]:6.0f} ms   p99 {cuts[98]:6.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description="POST /v1/payments at a steady rate.")
    parser.add_argument("--rate", type=float, default=500.0, help="payments per second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--psp-ms", type=float, default=100.0, help="what the PSP takes to answer")
    asked = parser.parse_args()
    try:
        until_told(measure(Asked(asked.rate, asked.seconds, asked.psp_ms)))
    except WrongAnswer as wrong:
        sys.exit(f"wrong: {wrong}")


if __name__ == "__main__":
    main()
