"""The demo from end to end: bring all up, send, break things, let it come to rest, compare, verify."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from app.demo import mishaps, report, tables
from app.demo.courier import Courier
from app.demo.generator import Generator
from app.demo.live import LiveLine
from app.demo.platform_run import WORKERS, Platform, VerbFailed, run_verb, running
from app.demo.sender import Sender
from app.demo.stream import COMMANDS, OWN_IDS
from app.demo.tasks import cancellable, end
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
        line = LiveLine(console)
        platform = await closing.enter_async_context(running(options.directory.absolute(), line.say))
        bootstrap = platform.addresses.kafka_bootstrap_servers
        pool = await open_pool(platform.addresses.database_url, 2, "tallystick-demo")
        closing.push_async_callback(pool.close)
        reader = RangeReader(bootstrap, client_id="tallystick-demo")
        closing.push_async_callback(reader.stop)
        publisher = Publisher(bootstrap, client_id="tallystick-demo")
        closing.push_async_callback(publisher.stop)
        courier = await closing.enter_async_context(Courier(platform.url, platform.webhook_secrets))
        demo = Demo(
            options, console, line, platform, pool, reader, Sender(publisher, platform.partitions), courier
        )
        return await cancellable(demo.play())


class Demo:
    """One run on a running platform. `pool`: of `app.store.pool.open_pool`."""

    def __init__(
        self,
        options: Options,
        console: Console,
        line: LiveLine,
        platform: Platform,
        pool: Any,
        reader: RangeReader,
        sender: Sender,
        courier: Courier,
    ) -> None:
        self._options = options
        self._console = console
        self._line = line
        self._platform = platform
        self._pool = pool
        self._generator = Generator(options.seed, options.rate, run=time.time_ns() // 1_000_000)
        self._sender = sender
        self._courier = courier
        self._watch = Watch(pool, reader, platform.partitions)
        self._all_lanes = len(LANES) * platform.partitions
        line.sent = lambda: self._sender.sent
        line.delivered = lambda: self._courier.delivered

    async def play(self) -> bool:
        """All of it; True where everything agrees."""
        self._line.say(
            f"the page is at {self._platform.url}, its mismatches at {self._platform.url}mismatches"
        )
        with self._line.shown():
            before = await self._open()
            merchants = len(self._generator.truth.merchants)
            self._line.say(f"{merchants} merchants are open; seed {self._options.seed}")
            await self._stream()
            self._line.say("waiting until everything is decided and all windows are closed")
            await self._watch.until_at_rest(REST_SECONDS, self._line.show)
        return await self._judge(before)

    async def _open(self) -> Books:
        """Settle what an earlier run left, remember the books, then open the merchants with first sales."""
        await self._watch.until(self._is_shared_out, JOIN_SECONDS, f"the workers; see {self._platform.logs}")
        await self._watch.until_at_rest(REST_SECONDS, self._line.show)
        before = await read_books(self._pool, OWN_IDS)
        self._line.open_before = Counter(category for category, _ in before.open)
        self._generator.restart(datetime.now(UTC))
        await self._sender.send(self._generator.opening())
        await self._watch.until_at_rest(REST_SECONDS, self._line.show)
        return before

    def _is_shared_out(self, view: View) -> bool:
        """All lanes have an owner, and every worker that is alive owns some."""
        self._platform.check_workers()
        alive = view.lanes_of_the_living()
        owned = {lane for lanes in alive.values() for lane in lanes}
        return len(alive) >= WORKERS and all(alive.values()) and len(owned) == self._all_lanes

    async def _stream(self) -> None:
        """Send in time while figures are shown and things go wrong; returns when both are through."""
        trouble = mishaps.Mishaps(
            self._platform.runner,
            mishaps.plan(self._options.seconds, self._platform.session_seconds),
            lambda: self._watch.view,
            self._all_lanes,
            self._line.say,
        )
        following = asyncio.create_task(self._line.follow(self._watch))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(trouble.run())
                self._generator.restart(datetime.now(UTC))
                events = self._generator.records(self._options.seconds)
                await self._sender.send_paced(events, self._courier.take)
                await self._courier.drained()
        finally:
            await end(following)

    async def _judge(self, before: Books) -> bool:
        truth, after = self._generator.truth, await read_books(self._pool, OWN_IDS)
        found = await outcomes_of(self._pool, COMMANDS, truth.refused | truth.parked)
        categories = report.categories(truth, before, after)
        money = report.money(truth, before, after)
        counts = report.counts(truth, before, after) + report.certain_outcomes(truth, found)
        counts += report.webhooks(truth, before, after, self._courier.refused)
        detection = await detection_ms(self._pool, self._generator.started)
        tables.show_categories(self._console, categories, detection)
        tables.show_money(self._console, money)
        tables.show_counts(self._console, counts)
        right = [row.agrees for row in categories] + [row.agrees for row in (*money, *counts)]
        return await self._verify() and all(right)

    async def _verify(self) -> bool:
        try:
            proof = await run_verb(self._platform.environment, "verify")
        except VerbFailed as failure:
            self._console.print(str(failure), style="bold red", markup=False, highlight=False)
            return False
        self._console.print(proof, markup=False, highlight=False)
        return True
