"""Workers on servers of their own, and when they are through: helpers of the runs that go on for a while."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.lane.catalogue import RULES
from bench.answer import WrongAnswer
from bench.load import PARTITIONS
from bench.machine import Cpu, seconds
from bench.measure import POLL_SECONDS, Peer, process, python
from bench.servers import Emptied, Servers

LANES: Final = (PAYMENTS_COMMANDS, MATCHING_COMMANDS, SETTLEMENTS_LINES)
"""Those that reconciliation runs through."""
HOPS: Final = 4
"""Most lanes that come of one line: door, its home, the expectation's home, the merchant."""
READY_SECONDS: Final = 180.0
Worker = subprocess.Popen[bytes]


@contextmanager
def workers(servers: Servers, run: Emptied, number: int) -> Iterator[list[Worker]]:
    """`number` worker processes, stopped at the end."""
    with ExitStack() as closing:
        yield [closing.enter_context(_worker(servers, run, index)) for index in range(number)]


def _worker(servers: Servers, run: Emptied, number: int) -> Any:
    environment = {
        "TALLYSTICK_WORKER_ID": f"bench-{number}",
        "TALLYSTICK_DATA_DIR": str(servers.folder / f"worker-{number}"),
    }
    return process(servers, Peer(f"worker-{number}", python("-m", "app", "worker"), environment), run.dsn)


def cpu_of_all(servers: Servers, started: Sequence[Worker]) -> Cpu:
    return servers.cpu(None)._replace(worker=sum(seconds(worker.pid) for worker in started))


async def until(
    condition: Callable[[], Awaitable[bool]], within_seconds: float, what: str, started: Sequence[Worker] = ()
) -> None:
    """Raises TimeoutError, or WrongAnswer where one of `started` has ended."""
    try:
        async with asyncio.timeout(within_seconds):
            while not await condition():
                if ended := [worker.returncode for worker in started if worker.poll() is not None]:
                    raise WrongAnswer(f"a process ended with {ended[0]} while waiting for {what}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as late:
        raise TimeoutError(f"{what}: not within {within_seconds:.0f} s") from late


async def begin(run: Emptied, started: Sequence[Worker]) -> None:
    """Wait until every partition is owned and what was sent so far is taken."""
    await until(lambda: _shared_out(run), READY_SECONDS, "the workers to own all lanes", started)
    await until(lambda: at_rest(run), READY_SECONDS, "the configuration to be taken", started)


async def _shared_out(run: Emptied) -> bool:
    owned = await run.pool.fetchval("SELECT sum(cardinality(lanes)) FROM workers")
    return bool(owned == PARTITIONS * len(RULES))


async def backlog(run: Emptied) -> int:
    """Records of the lanes' logs that wait for their decision."""
    positions = await records_decided(run)
    return sum((await run.ends(LANES)).values()) - positions


async def records_decided(run: Emptied) -> int:
    """Records of the lanes' logs that have been decided so far."""
    return int(await run.pool.fetchval(POSITIONS, list(LANES)))


async def at_rest(run: Emptied) -> bool:
    waiting = await run.pool.fetchval("SELECT count(*) FROM outbox")
    return not waiting and not await backlog(run)


async def through(run: Emptied, within_seconds: float, started: Sequence[Worker]) -> None:
    """Wait until all that lies in the logs now is decided, with what comes of it in the lanes behind.

    Others may go on sending meanwhile.
    """
    for _ in range(HOPS):
        marks = [(topic, n, end) for topic in LANES for n, end in enumerate(await run.partition_ends(topic))]
        columns = [list(column) for column in zip(*marks, strict=True)]

        async def passed(columns: list[list[Any]] = columns) -> bool:
            return not await run.pool.fetchval(NOT_PASSED, *columns)

        await until(passed, within_seconds, "the lanes to be through", started)


def load_average() -> str:
    return f"load average {os.getloadavg()[0]:.1f}"


POSITIONS: Final = """
SELECT coalesce(sum(next_offset), 0)::bigint FROM positions WHERE topic = ANY($1::text[])"""
NOT_PASSED: Final = """
SELECT count(*) FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS mark (topic, partition, upto)
  LEFT JOIN positions p USING (topic, partition)
 WHERE coalesce(p.next_offset, 0) < upto
    OR EXISTS (SELECT FROM outbox o
                WHERE o.topic = mark.topic AND o.partition = mark.partition AND o.first_offset < upto)"""
