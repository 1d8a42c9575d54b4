"""One run of one peer: a real process beside real servers, timed from outside, its output verified first."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from app.lane.catalogue import RULES
from bench.answer import WrongAnswer, verify
from bench.load import PARTITIONS, Load, opening
from bench.machine import Cpu
from bench.servers import RESULTS, Emptied, Servers

READY_SECONDS = 120.0
RUN_SECONDS = 900.0
"""Bounds, not expectations."""
POLL_SECONDS = 0.1
SESSION_SECONDS = 29
"""A worker stands still while its log is filled; it must not lose its partitions by that."""
LANES = (PAYMENTS_COMMANDS, MATCHING_COMMANDS)
CHECKOUT = Path(__file__).resolve().parents[1]


class Figure(NamedTuple):
    """`rate`: payments per second with all their effects; `decided`: until their own lane was through.

    `cpu`: microseconds per payment sent; `by_log`: records that came by the log instead of the hand-over;
    `again`: records that were published more than once.
    """

    rate: float
    decided: float
    cpu: Cpu
    by_log: int = 0
    again: int = 0


class Peer(NamedTuple):
    """`share`: the part of the records that a slow peer is given; `references`: see `bench.load.opening`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = {}
    skewed: bool = False
    share: float = 1.0
    references: bool = True


async def measure_lanes(servers: Servers, peer: Peer, load: Load) -> Figure:
    """A worker on a filled log, until everything is committed, matched and published."""
    async with servers.emptied() as run:
        with process(servers, peer, run.dsn) as worker:
            await run.send(opening(peer.references))
            await _until(worker, lambda: _owns_all(run), READY_SECONDS, "the worker to own all lanes")
            await _until(worker, lambda: at_rest(run), READY_SECONDS, "the configuration to be taken")
            by_log = await _hole_records(run)
            worker.send_signal(signal.SIGSTOP)
            await run.send(load.records)
            before, began = servers.cpu(worker.pid), time.perf_counter()
            worker.send_signal(signal.SIGCONT)
            await _until(worker, lambda: _decided(run), RUN_SECONDS, "the payments to be decided")
            decided = time.perf_counter() - began
            await _until(worker, lambda: at_rest(run), RUN_SECONDS, "everything to be at rest")
            seconds, cpu = time.perf_counter() - began, servers.cpu(worker.pid)
            await asyncio.sleep(1.1)  # the worker's row is written every second
            by_log = await _hole_records(run) - by_log
        again = await verify(run, load, peer.references)
    sent = len(load.records)
    return Figure(sent / seconds, sent / decided, cpu.per_record(before, sent), by_log, again)


async def measure_raw(servers: Servers, peer: Peer, load: Load) -> Figure:
    """The loop without a database, timed by the end offsets of what it writes."""
    async with servers.emptied() as run:
        counted = Peer(peer.name, [*peer.command, str(len(load.records))])
        with process(servers, counted, run.dsn) as loop:
            log = servers.folder / "peer.log"
            await _until(loop, lambda: _says(log, "READY"), READY_SECONDS, "the loop to be ready")
            loop.send_signal(signal.SIGSTOP)
            await run.send(load.records)
            before, began = servers.cpu(loop.pid), time.perf_counter()
            loop.send_signal(signal.SIGCONT)
            await _until(None, lambda: _written(run, load.payments), RUN_SECONDS, "its events")
            seconds, cpu = time.perf_counter() - began, servers.cpu(loop.pid)
            await _until(None, lambda: _says(log, "RESULT"), READY_SECONDS, "its result")
    result = json.loads(log.read_text("utf-8").partition("RESULT ")[2].splitlines()[0])
    if result != {"payments": load.payments, "amount": load.amount, "right": True}:
        raise WrongAnswer(f"{result}, expected {load.payments} payments of {load.amount}")
    rate = len(load.records) / seconds
    return Figure(rate, rate, cpu.per_record(before, len(load.records)))


async def measure_insert(servers: Servers, peer: Peer, load: Load) -> Figure:
    """The store's commit alone, on one connection; it verifies its rows itself."""
    command = [*peer.command, "--payments", str(load.payments)]
    environment = os.environ | {"DATABASE_URL": servers.dsn}
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
        timeout=RUN_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise WrongAnswer(done.stderr[-500:])
    figure = json.loads(done.stdout)["commit"][0]
    rate = figure["payments_per_second"]
    return Figure(rate, rate, Cpu(figure["client_microseconds"], figure["server_microseconds"], 0.0))


@contextmanager
def process(servers: Servers, peer: Peer, dsn: str) -> Iterator[subprocess.Popen[bytes]]:
    """The peer at work; told to stop at the end, and stopped."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": servers.kafka,
        "DATABASE_URL": dsn,
        "TALLYSTICK_DATA_DIR": str(servers.folder / "worker"),
        "TALLYSTICK_WORKER_ID": "bench",
        "TALLYSTICK_PARTITIONS": str(PARTITIONS),
        "TALLYSTICK_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
        **peer.environment,
    }
    name = peer.environment.get("TALLYSTICK_WORKER_ID", "peer")
    with (servers.folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(
            peer.command, cwd=CHECKOUT, env=os.environ | environment, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield running
            running.terminate()
            running.wait(60)
        except Exception as problem:
            problem.add_note(f"its last words: {Path(log.name).read_text('utf-8')[-800:]}")
            raise
        finally:
            running.kill()
            running.wait()


async def _until(
    worker: subprocess.Popen[bytes] | None,
    condition: Callable[[], Awaitable[bool]],
    within_seconds: float,
    what: str,
) -> None:
    async with asyncio.timeout(within_seconds):
        while True:
            if await condition():
                return
            if worker is not None and worker.poll() is not None:
                raise WrongAnswer(f"it ended with {worker.returncode} while waiting for {what}")
            await asyncio.sleep(POLL_SECONDS)


async def _says(log: Path, word: str) -> bool:
    return word in log.read_text("utf-8")


async def _written(run: Emptied, events: int) -> bool:
    return (await run.ends((RESULTS,)))[RESULTS] >= events


async def _owns_all(run: Emptied) -> bool:
    wanted = PARTITIONS * len(RULES)
    return bool(await run.pool.fetchval("SELECT cardinality(lanes) = $1 FROM workers", wanted))


async def _positions(run: Emptied) -> Mapping[str, int]:
    rows = await run.pool.fetch(
        "SELECT topic, sum(next_offset)::bigint AS position FROM positions GROUP BY 1"
    )
    return {row["topic"]: row["position"] for row in rows}


async def _decided(run: Emptied) -> bool:
    ends = await run.ends((PAYMENTS_COMMANDS,))
    return (await _positions(run)).get(PAYMENTS_COMMANDS, 0) == ends[PAYMENTS_COMMANDS]


async def at_rest(run: Emptied) -> bool:
    """Nothing left in the lanes' logs, nothing in the outbox."""
    positions, waiting = await _positions(run), await run.pool.fetchval("SELECT count(*) FROM outbox")
    ends = await run.ends(LANES)  # last, for an outbox that emptied meanwhile shows here
    return not waiting and all(positions.get(topic, 0) == end for topic, end in ends.items())


async def _hole_records(run: Emptied) -> int:
    total = await run.pool.fetchval(
        "SELECT sum((lane.value ->> 'hole_records')::bigint) FROM workers, jsonb_each(figures) lane"
    )
    return int(total or 0)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
