"""One size and way of `bench.lines`: prepare payments, let others flow, send the lines, wait, check."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple

from bench.answer import WrongAnswer
from bench.detected import Times, committed
from bench.load import PARTITIONS, opening
from bench.machine import Cpu, rss_megabytes
from bench.measure import CHECKOUT, python
from bench.pairs import Mix, Pairs, Truth, source
from bench.recon_answer import check
from bench.servers import Emptied, Servers
from bench.traffic import Traffic, arrivals
from bench.watch import Watched, watched
from bench.working import (
    Worker,
    at_rest,
    begin,
    cpu_of_all,
    records_decided,
    through,
    until,
    workers,
)

WAYS: Final = ("file", "topic")
FILE: Final = Pairs("file", Mix(wrong=100, repeated=0, unknown=200))
FLOW: Final = Pairs("flow", Mix())
FLOW_FIRST: Final = 900_000_000
"""Number of the flow's first payment, far above any of the file's."""
FILE_WINDOW_SECONDS: Final = 1
FLOW_WINDOW_SECONDS: Final = 86_400
ALONE_SECONDS: Final = 10.0
WARM_SECONDS: Final = 5.0
CHUNK: Final = 20_000
BOUND_SECONDS: Final = 10_800.0


class Asked(NamedTuple):
    """`flow_rate`: payments per second that flow beside the lines, each with its own line."""

    flow_rate: float
    workers: int


class Seconds(NamedTuple):
    """From the start of the sending, but `prepared`, which came before."""

    prepared: float
    sent: float
    decided: float
    flagged: float


class Figures(NamedTuple):
    """`cpu`: microseconds per line until all were decided; what flowed meanwhile is in it.

    `flowed`: the flow's payments of that time, each with its line; `records`: all that was decided in it,
    in every lane.
    """

    lines: int
    prepared: int
    seconds: Seconds
    cpu: Cpu
    flowed: int
    records: int
    before_megabytes: Sequence[float]
    workers: Sequence[Watched]
    ingest: Watched | None
    ingest_microseconds: float
    flow_alone: Times
    flow_meanwhile: Times


async def measure(servers: Servers, asked: Asked, size: int, way: str) -> Figures:
    """`size` lines by `way`. Raises WrongAnswer, TimeoutError."""
    sources = {"file": source(FILE_WINDOW_SECONDS), "flow": source(FLOW_WINDOW_SECONDS)}
    async with servers.emptied() as run:
        await run.send(opening(sources=sources))
        with workers(servers, run, asked.workers) as started:
            await begin(run, started)
            return await Run(servers, run, started, asked, size).measure(way)


class Run:
    """On one empty database."""

    def __init__(
        self, servers: Servers, run: Emptied, started: Sequence[Worker], asked: Asked, size: int
    ) -> None:
        self._servers, self._run, self._started, self._asked = servers, run, started, asked
        self._numbers = range(size)
        self._truth, self._flow = Truth(), Truth()
        self._ingest: Watched | None = None

    async def measure(self, way: str) -> Figures:
        began = time.perf_counter()
        await self._prepare()
        prepared = time.perf_counter() - began
        path = self._servers.folder / "lines.csv"
        if way == "file":
            with path.open("w", encoding="ascii") as file:
                file.writelines(FILE.rows(self._numbers))
        before = [rss_megabytes(worker.pid) for worker in self._started]
        async with AsyncExitStack() as closing:
            seen = [await closing.enter_async_context(watched(worker.pid)) for worker in self._started]
            async with self._flowing():
                alone = await self._alone()
                since, cpu, began = datetime.now(UTC), self._cpu(), time.perf_counter()
                flowed, records = self._flow.payments, await records_decided(self._run)
                await (self._send_file(str(path)) if way == "file" else self._send_straight())
                sent = time.perf_counter() - began
                await through(self._run, BOUND_SECONDS, self._started)
                decided = time.perf_counter() - began
                used = self._cpu().per_record(cpu, self._truth.lines)
                records = await records_decided(self._run) - records
                upto, flowed = datetime.now(UTC), self._flow.payments - flowed
                await until(self._all_flagged, BOUND_SECONDS, "the last line to be flagged", self._started)
                flagged = time.perf_counter() - began
            await self._rest()
        await check(self._run, [self._truth, self._flow])
        meanwhile = await committed(self._run, FLOW.source, since, upto)
        spent = self._ingest.cpu_seconds / self._truth.lines * 1e6 if self._ingest is not None else 0.0
        times = Seconds(prepared, sent, decided, flagged)
        lines, payments = self._truth.lines, self._truth.payments
        memory = (before, seen, self._ingest)
        return Figures(lines, payments, times, used, flowed, records, *memory, spent, alone, meanwhile)

    async def _prepare(self) -> None:
        """Every payment of the lines to come, as fast as the log takes them; then all at rest."""
        remaining = iter(self._numbers)
        while numbers := list(itertools.islice(remaining, CHUNK)):
            for number in numbers:
                self._truth.add(FILE, number)
            made = [FILE.payment(number) for number in numbers]
            await self._run.send([each for each in made if each is not None])
        await self._rest()

    @asynccontextmanager
    async def _flowing(self) -> AsyncIterator[None]:
        """Payments at the rate with their lines; at the end those that are owed are still sent."""
        stopped = asyncio.Event()
        arriving = arrivals(FLOW, self._flow, FLOW_FIRST, self._asked.flow_rate, BOUND_SECONDS, stopped)
        sending = asyncio.ensure_future(Traffic(self._run.publisher, arriving).send())
        try:
            yield
            stopped.set()
            await sending
        finally:
            sending.cancel()

    async def _alone(self) -> Times:
        """The flow's time to detect with nothing beside it."""
        await asyncio.sleep(WARM_SECONDS)
        since = datetime.now(UTC)
        await asyncio.sleep(ALONE_SECONDS)
        return await committed(self._run, FLOW.source, since)

    async def _send_file(self, path: str) -> None:
        addresses = {"KAFKA_BOOTSTRAP_SERVERS": self._servers.kafka, "DATABASE_URL": self._run.dsn}
        environment = os.environ | addresses | {"TALLYSTICK_PARTITIONS": str(PARTITIONS)}
        command = python("-m", "app", "ingest", path, "--source", FILE.source, "--json")
        ingest = await asyncio.create_subprocess_exec(
            *command, cwd=CHECKOUT, env=environment, stdout=PIPE, stderr=PIPE
        )
        async with watched(ingest.pid) as self._ingest:
            said, complained = await ingest.communicate()
        if ingest.returncode or json.loads(said)["sent"] != self._truth.lines:
            raise WrongAnswer(f"ingest ended with {ingest.returncode}: {(said + complained)[-500:]!r}")

    async def _send_straight(self) -> None:
        remaining = iter(self._numbers)
        while numbers := list(itertools.islice(remaining, CHUNK)):
            await self._run.send([FILE.outgoing(line) for number in numbers for line in FILE.lines(number)])

    async def _all_flagged(self) -> bool:
        wanted = sum(category == "MISSING_PAYMENT" for category, _ in self._truth.planted)
        return bool(await self._run.pool.fetchval(FLAGGED) == wanted)

    async def _rest(self) -> None:
        await until(lambda: at_rest(self._run), BOUND_SECONDS, "everything to be at rest", self._started)

    def _cpu(self) -> Cpu:
        return cpu_of_all(self._servers, self._started)


FLAGGED: Final = """
SELECT count(*) FROM mismatches WHERE category = 'MISSING_PAYMENT' AND status = 'open'"""
