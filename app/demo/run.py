"""The demo from end to end: bring all up, send, break things, let it come to rest, compare, verify."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from app.demo import mishaps, report
from app.demo.generator import Generator
from app.demo.live import LiveLine
from app.demo.platform_run import WORKERS, Platform, VerbFailed, run_verb, running
from app.demo.sender import Sender
from app.demo.stream import COMMANDS
from app.demo.watch import LANES, View, Watch
from app.kafka.publisher import Publisher
from app.kafka.reader import RangeReader
from app.store.books import Books, detection_ms, outcomes_of, read_books
from app.store.pool import open_pool

REST_SECONDS = 180.0
"""Within so long everything sent is decided and every window of the demo has closed."""
JOIN_SECONDS = 60.0


@dataclass(frozen=True)
class Options:
    """`seconds` None: until Ctrl-C. `rate` in records per second over all topics."""

    seconds: float | None
    seed: int
    rate: float
    directory: Path


async def run_demo(options: Options, console: Console) -> bool:
    """True where all agrees. Ends by itself only with `seconds`; cancelled, it stops what it started."""
    async with AsyncExitStack() as closing:
        generator = Generator(options.seed, options.rate, run=time.time_ns() // 1_000_000)
        sender: list[Sender] = []
        line = LiveLine(console, lambda: sender[0].sent if sender else 0)
        platform = await closing.enter_async_context(running(options.directory.absolute(), line.say))
        pool, reader, publisher = await _clients(closing, platform)
        sender.append(Sender(publisher, platform.partitions))
        line.say(f"the page is at {platform.url}")
        with line.shown():
            watch = Watch(pool, reader, platform.partitions)
            before = await _open(generator, sender[0], watch, line, pool, platform.logs)
            line.say(f"{len(generator.truth.merchants)} merchants are open; seed {options.seed}")
            await _stream(options, platform, generator, sender[0], watch, line)
            line.say("waiting until everything is decided and all windows are closed")
            await watch.until_at_rest(REST_SECONDS, line.show)
        return await _judge(console, platform, generator, before, pool)


async def _clients(closing: AsyncExitStack, platform: Platform) -> tuple[Any, RangeReader, Publisher]:
    bootstrap = platform.addresses.kafka_bootstrap_servers
    pool = await open_pool(platform.addresses.database_url, 2, "tallystick-demo")
    closing.push_async_callback(pool.close)
    reader = RangeReader(bootstrap, client_id="tallystick-demo")
    closing.push_async_callback(reader.stop)
    publisher = Publisher(bootstrap, client_id="tallystick-demo")
    closing.push_async_callback(publisher.stop)
    return pool, reader, publisher


async def _open(
    generator: Generator, sender: Sender, watch: Watch, line: LiveLine, pool: Any, logs: Path
) -> Books:
    """Settle what an earlier run left, remember the books, then open the merchants with their first sales."""
    everyone = len(LANES) * sender.partitions
    what = f"the workers to share the lanes; see {logs}"
    await watch.until(lambda view: _shared_out(view, everyone), JOIN_SECONDS, what)
    await watch.until_at_rest(REST_SECONDS, line.show)
    before = await read_books(pool)
    line.open_before = Counter(category for category, _ in before.open)
    generator.restart(datetime.now(UTC))
    await sender.send(list(generator.opening()))
    await watch.until_at_rest(REST_SECONDS, line.show)
    return before


def _shared_out(view: View, everyone: int) -> bool:
    """All lanes have an owner, and every worker that is alive owns some."""
    alive = view.lanes_of_the_living()
    owned = {lane for lanes in alive.values() for lane in lanes}
    return len(alive) >= WORKERS and all(alive.values()) and len(owned) == everyone


async def _stream(
    options: Options,
    platform: Platform,
    generator: Generator,
    sender: Sender,
    watch: Watch,
    line: LiveLine,
) -> None:
    """Send in time while figures are shown and things go wrong; returns when both are through."""
    plan = mishaps.plan(options.seconds, platform.session_seconds)
    lanes = len(LANES) * platform.partitions
    trouble = mishaps.Mishaps(platform.runner, plan, lambda: watch.view, lanes, line.say)
    following = asyncio.create_task(line.follow(watch))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(trouble.run())
            generator.restart(datetime.now(UTC))
            await sender.send_paced(generator.records(options.seconds))
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def _judge(
    console: Console, platform: Platform, generator: Generator, before: Books, pool: Any
) -> bool:
    truth, after = generator.truth, await read_books(pool)
    found = await outcomes_of(pool, COMMANDS, truth.refused | truth.parked)
    categories = report.categories(truth, before, after)
    figures = report.rows(truth, before, after) + report.certain_outcomes(truth, found)
    report.show(console, categories, figures)
    report.show_detection(console, await detection_ms(pool, generator.started))
    proven = await _verify(console, platform)
    right = [row.agrees for row in categories] + [row.agrees for row in figures]
    return proven and all(right)


async def _verify(console: Console, platform: Platform) -> bool:
    try:
        proof = await run_verb(platform.environment, "verify")
        console.print(proof, markup=False, highlight=False)
    except VerbFailed as failure:
        console.print(str(failure), style="bold red", markup=False, highlight=False)
        return False
    return True
