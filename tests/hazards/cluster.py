"""Tallystick as an operator runs it, in a folder of its own: real servers, real worker processes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from app.contracts.topics import specs
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import ensure_topics
from app.lane.catalogue import RULES
from app.stack.local import LocalStack
from app.stack.procfile import ProcfileRunner
from app.store.api import LaneId
from app.store.migrate import migrate
from app.store.pool import open_pool
from tests.hazards.traffic import platform
from tests.support.commands import CHECKOUT, environment, run_app
from tests.support.guard import guarded
from tests.support.waiting import free_port
from tests.support.webhooks import SANDBOX_SECRET

PARTITIONS: Final = 8
READERS: Final = 4
SESSION_SECONDS: Final = 6.0
PROCFILE: Final = """\
worker: {python} -m app worker --log-level warning
web: {python} -m app web
swallower: {python} -m tests.hazards.swallower 0.3 on
blind: {python} -m tests.hazards.swallower 0.3 off
"""
VERB_SECONDS: Final = 120.0
WORKER_SETTINGS: Final = {
    "TALLYSTICK_PARTITIONS": str(PARTITIONS),
    "TALLYSTICK_SESSION_TIMEOUT_SECONDS": f"{SESSION_SECONDS:.0f}",
    "TALLYSTICK_DATABASE_CONNECTIONS": "8",
}
WEB_SETTINGS: Final = {
    "TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS": SANDBOX_SECRET,
    "TALLYSTICK_KEY_SECRET": "of the hazards and of nobody else",
}


# As `tests/support/guard.py` does for servers: the pipe closes when we end, however we end.
GUARD: Final = (
    "import sys; from pathlib import Path; from app.stack.leftovers import Leftovers; "
    "sys.stdin.read(); Leftovers(Path(sys.argv[1])).end_all()"
)


class VerbFailed(AssertionError):
    """A verb of the command line ended with an error; the text is what it said."""


class Cluster:
    """`runner` starts, kills and pauses workers; `pool` and `reader` are the tests' own eyes."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.bootstrap = stack.addresses.kafka_bootstrap_servers
        self.dsn = stack.addresses.database_url
        web_port = free_port()
        self.url = f"http://127.0.0.1:{web_port}/"
        self.environment = environment(
            **stack.addresses.as_environment(),
            **WORKER_SETTINGS,
            **WEB_SETTINGS,
            TALLYSTICK_WEB_PORT=str(web_port),
            PYTHONPATH=str(CHECKOUT),
        )
        self.restarts: list[tuple[str, int]] = []
        procfile = folder / "Procfile"
        procfile.write_text(PROCFILE.format(python=sys.executable), encoding="utf-8")
        self.runner = ProcfileRunner(
            procfile,
            self.logs,
            self.environment,
            on_restart=lambda name, code: self.restarts.append((name, code)),
            term_seconds=30.0,
        )
        self.reader = RangeReader(
            self.bootstrap, client_id="hazards-reader", readers=READERS, timeout_seconds=10.0
        )
        self.pool: Any = None

    @property
    def lanes(self) -> list[LaneId]:
        return [LaneId(topic, partition) for topic in RULES for partition in range(PARTITIONS)]

    @property
    def logs(self) -> Path:
        """The workers' logs and own folders."""
        return self.folder / "workers"

    async def verb(self, *arguments: str, within_seconds: float = VERB_SECONDS) -> str:
        """Run `python -m app ARGUMENTS` to its end and return what it printed."""
        done: subprocess.CompletedProcess[str] = await asyncio.to_thread(
            run_app, *arguments, env=self.environment, within_seconds=within_seconds
        )
        if done.returncode:
            raise VerbFailed(
                f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    async def logs_of(self, partitions: Sequence[LaneId]) -> AsyncIterator[tuple[LaneId, list[Any]]]:
        """Each partition with all its records, committed ones only; a few are read ahead."""
        begins = await self.reader.begin_offsets(partitions)
        ends = await self.reader.end_offsets(partitions)
        for first in range(0, len(partitions), READERS):
            part = partitions[first : first + READERS]
            logs = await asyncio.gather(*(self._read(each, begins[each], ends[each]) for each in part))
            for each, records in zip(part, logs, strict=True):
                yield each, records

    async def _read(self, partition: LaneId, position: int, end: int) -> list[Any]:
        records: list[Any] = []
        while position < end:
            found, position = await self.reader.read(*partition, position, end, 20_000)
            records += found
        return records

    async def start_workers(self, count: int, program: str = "worker") -> list[str]:
        return self.runner.start(program, count)

    async def terminate(self, *names: str) -> bool:
        """SIGTERM, side by side. False where one had to be killed."""
        ends = await asyncio.gather(*(asyncio.to_thread(self.runner.terminate, name) for name in names))
        return all(ends)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Cluster]:
    """Servers, topics, schema, configuration; no worker yet. Everything is stopped at the end."""
    async with AsyncExitStack() as closing:
        stack = closing.enter_context(guarded(LocalStack(folder / "stack")))
        await asyncio.to_thread(stack.up)
        cluster = Cluster(stack, folder)
        closing.enter_context(_workers_guarded(cluster.logs))
        closing.callback(cluster.runner.stop)
        await ensure_topics(cluster.bootstrap, specs(PARTITIONS), VERB_SECONDS)
        await migrate(cluster.dsn)
        configuration = folder / "platform.json"
        configuration.write_text(json.dumps(platform()), encoding="utf-8")
        await cluster.verb("configure", str(configuration))
        cluster.pool = await open_pool(cluster.dsn, 4, "hazards")
        closing.push_async_callback(cluster.reader.stop)
        closing.callback(cluster.pool.terminate)
        yield cluster


@contextmanager
def _workers_guarded(folder: Path) -> Iterator[None]:
    """Workers end also where this process is killed."""
    command = [sys.executable, "-c", GUARD, str(folder / "processes.json")]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, start_new_session=True):
        yield
