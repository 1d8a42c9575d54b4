"""All there is for a storm, as real processes: servers, workers, two web processes, the sandbox PSP."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from app.contracts.topics import specs
from app.demo.watch import Watch
from app.domain.streams import PAYMENTS_COMMANDS
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.reader import RangeReader
from app.kafka.topics_admin import ensure_topics
from app.stack.local import LocalStack
from app.stack.procfile import ProcfileRunner
from app.store.migrate import migrate
from app.store.pool import open_pool
from tests.hazards.cluster import GUARD
from tests.support.commands import CHECKOUT, environment, run_app
from tests.support.guard import guarded
from tests.support.waiting import free_port
from tests.support.webhooks import SANDBOX_SECRET

PARTITIONS: Final = 8
MERCHANT: Final = "m-storm"
PSP_KEY: Final = "sk_sandbox_of_the_storm"
VERB_SECONDS: Final = 120.0
PROCFILE: Final = """\
worker: {python} -m app worker --log-level warning
first: env TALLYSTICK_WEB_PORT={first} {python} -m app web
second: env TALLYSTICK_WEB_PORT={second} {python} -m app web
psp: {python} -m app sandbox --port {psp} --seed {seed} --api-key {key} --webhook-url \
http://127.0.0.1:{first}/webhooks/sandbox --webhook-secret {secret} --journal {journal} {faults}
"""
PLATFORM: Final[dict[str, Any]] = {
    "default_psp": "sandbox",
    "payout_psp": "sandbox",
    "default_release_delay_days": 0,
    "release_delay_seconds": 1,
    "psps": {"sandbox": {"api": True, "settlement_window_seconds": 86_400}},
    "effects": {"psp:sandbox": {"pauses_seconds": [1, 2, 4, 8], "deadline_seconds": 3600}},
}

CONFIGURED: Final[dict[str, Any]] = {
    "type": "merchant.configure",
    "id": "storm",
    "merchant_id": MERCHANT,
    "settlement_currency": "EUR",
}


class Shop:
    """`urls` are the web processes'; `runner` kills and restarts; `pool` is the tests' own eye."""

    def __init__(self, stack: LocalStack, folder: Path, seed: int, faults: str) -> None:
        self.stack, self.folder = stack, folder
        ports = {name: free_port() for name in ("first", "second", "psp")}
        self.urls = [f"http://127.0.0.1:{ports[name]}/" for name in ("first", "second")]
        self.psp_url = f"http://127.0.0.1:{ports['psp']}/"
        self.environment = environment(
            **stack.addresses.as_environment(),
            TALLYSTICK_PARTITIONS=str(PARTITIONS),
            TALLYSTICK_SESSION_TIMEOUT_SECONDS="6",
            TALLYSTICK_DATABASE_CONNECTIONS="8",
            TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS=SANDBOX_SECRET,
            TALLYSTICK_PSP_SANDBOX_API_KEY=PSP_KEY,
            TALLYSTICK_PSP_SANDBOX_API_URL=self.psp_url,
            TALLYSTICK_PSP_SANDBOX_TIMEOUT_SECONDS="2",
            TALLYSTICK_PUBLIC_URL=self.urls[0].rstrip("/"),
            TALLYSTICK_KEY_SECRET="of the storm and of nobody else at all",
            TALLYSTICK_WEBHOOK_SIGNING_SECRET="of the storm and of nobody else at all",
            PYTHONPATH=str(CHECKOUT),
        )
        procfile = folder / "Procfile"
        text = PROCFILE.format(
            python=sys.executable, **ports, seed=seed, key=PSP_KEY, secret=SANDBOX_SECRET,
            journal=folder / "psp.journal", faults=faults,
        )  # fmt: skip
        procfile.write_text(text, encoding="utf-8")
        self.runner = ProcfileRunner(procfile, folder / "processes", self.environment, term_seconds=30.0)
        self.reader = RangeReader(stack.addresses.kafka_bootstrap_servers, client_id="storm")
        self.pool: Any = None

    async def verb(self, *arguments: str) -> str:
        """Run `python -m app ARGUMENTS`; it has to succeed. Returns what it printed."""
        done: subprocess.CompletedProcess[str] = await asyncio.to_thread(
            run_app, *arguments, env=self.environment, within_seconds=VERB_SECONDS
        )
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    async def configure(self) -> None:
        file = self.folder / "platform.json"
        file.write_text(json.dumps(PLATFORM), encoding="utf-8")
        await self.verb("configure", str(file))
        publisher = Publisher(self.stack.addresses.kafka_bootstrap_servers)
        key = MERCHANT.encode()
        place = PAYMENTS_COMMANDS, partition_for(key, PARTITIONS), key
        await publisher.publish([Outgoing(*place, json.dumps(CONFIGURED).encode())])
        await publisher.stop()

    async def key(self) -> str:
        """A live API key of the storm's merchant."""
        printed = await self.verb("keys", "create", "--merchant", MERCHANT)
        found = re.search(r"tally_\S+", printed)
        assert found, printed
        return found[0]

    async def rest(self, within_seconds: float) -> None:
        """Everything in the logs is decided and published."""
        watch = Watch(self.pool, self.reader, PARTITIONS)
        await watch.until_at_rest(within_seconds, lambda view: None)


@asynccontextmanager
async def open_shop(folder: Path, seed: int, faults: str, workers: int) -> AsyncIterator[Shop]:
    """Everything up, topics and schema made, platform configured. Everything ends with the context."""
    async with AsyncExitStack() as closing:
        stack = closing.enter_context(guarded(LocalStack(folder / "stack")))
        await asyncio.to_thread(stack.up)
        shop = Shop(stack, folder, seed, faults)
        closing.enter_context(_guarded(folder / "processes"))
        closing.callback(shop.runner.stop)
        await ensure_topics(stack.addresses.kafka_bootstrap_servers, specs(PARTITIONS), VERB_SECONDS)
        await migrate(stack.addresses.database_url)
        await shop.configure()
        shop.pool = await open_pool(stack.addresses.database_url, 4, "storm")
        closing.push_async_callback(shop.reader.stop)
        closing.callback(shop.pool.terminate)
        shop.runner.start("worker", workers)
        for program in ("first", "second", "psp"):
            shop.runner.start(program)
        yield shop


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """The processes end also where this one is killed."""
    command = [sys.executable, "-c", GUARD, str(folder / "processes.json")]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, start_new_session=True):
        yield
