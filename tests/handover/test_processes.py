"""Workers as processes: a stop under load drains within its bound, an agent that raises ends its process."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

from app.kafka.publisher import Publisher
from tests.support.topics import fresh_topic, numbered, unique

PARTITIONS = 4
START_SECONDS = 60.0
STOP_SECONDS = 12.0
"""Work in hand 0.2 s, at most 4 s of drain, leaving the group, closing connections; and a busy machine."""


@contextlib.asynccontextmanager
async def worker(kafka: str, topic: str, *options: str) -> AsyncIterator[Process]:
    """A worker in the middle of its first batch; killed at the end if it still runs."""
    arguments = [kafka, unique("app"), topic, str(PARTITIONS), *options]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.handover.worker", *arguments, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            while b"at work" not in (line := await process.stdout.readline()):
                assert line, "the worker ended before it had work"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def the_rest(process: Process) -> tuple[int, str]:
    """Exit code and remaining output of a process that has to end by itself."""
    output, _ = await asyncio.wait_for(process.communicate(), STOP_SECONDS)
    assert process.returncode is not None
    return process.returncode, output.decode()


async def fill(publisher: Publisher, topic: str) -> None:
    await publisher.publish([r for p in range(PARTITIONS) for r in numbered(topic, p, 5000)])


async def test_a_stop_under_load_finishes_what_was_begun(kafka: str, publisher: Publisher) -> None:
    topic = await fresh_topic(kafka, "stopped", PARTITIONS)
    await fill(publisher, topic)
    async with worker(kafka, topic) as process:
        process.terminate()
        code, output = await the_rest(process)
    counted = re.search(r"begun (\d+) finished (\d+)", output)
    assert counted is not None
    begun, finished = map(int, counted.groups())
    assert begun == finished > 0
    assert begun < 5000 * PARTITIONS / 10  # it did stop under load
    assert code == 0


async def test_an_agent_that_raises_ends_its_process(kafka: str, publisher: Publisher) -> None:
    topic = await fresh_topic(kafka, "raises", PARTITIONS)
    await fill(publisher, topic)
    async with worker(kafka, topic, "raise") as process:
        code, output = await the_rest(process)
    assert "finished 0" in output
    assert code != 0
