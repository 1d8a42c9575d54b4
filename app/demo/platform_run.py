"""Brings the whole program up for the demo, as an operator would, and takes down what it brought up."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.demo.configure import platform
from app.demo.market import PSPS
from app.demo.signing import new_secret
from app.errors import TallystickError
from app.settings import ROOT, load_settings, webhook_secrets, webhook_secrets_variable
from app.stack.local import Addresses, LocalStack, addresses_in
from app.stack.ports import free_port, is_free
from app.stack.procfile import ProcfileRunner
from app.stack.reasons import last_words

WORKERS = 2
WEB_PORT, SESSION = "TALLYSTICK_WEB_PORT", "TALLYSTICK_SESSION_TIMEOUT_SECONDS"
DEFAULT_WEB_PORT = 8080
DEMO_SESSION_SECONDS = "6"
"""The shortest that Kafka allows by default: a silent worker is replaced soon enough to watch it."""
REFIRE = "TALLYSTICK_TIMER_REFIRE_SECONDS"
DEMO_REFIRE_SECONDS = "10"
"""A timer whose worker was stopped between marking and sending it is sent again after so long."""
READY_SECONDS = 60.0
MOST_STARTS = 4

Say = Callable[[str], None]


class NotStarting(TallystickError):
    """A process of the Procfile does not come up; the text has its last words."""


class VerbFailed(TallystickError):
    """A verb of the command line failed; the text is what it said."""


@dataclass(frozen=True)
class Platform:
    """The running program. `environment` is what its processes were given."""

    runner: ProcfileRunner
    environment: Mapping[str, str]
    url: str
    partitions: int
    session_seconds: float
    logs: Path

    def check_workers(self) -> None:
        """Raises NotStarting where a worker ends again and again before it is of any use."""
        for name in self.runner.names:
            if self.runner.starts(name) > MOST_STARTS:
                log = self.runner.log(name)
                raise NotStarting(f"{name} ends as soon as it is started: {last_words(log)} (see {log})")

    @property
    def webhook_secrets(self) -> dict[str, str]:
        """PSP -> the secret that it signs with: the latest of those that web believes."""
        return {psp: several[-1] for psp, several in webhook_secrets(self.environment).items()}

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.environment["KAFKA_BOOTSTRAP_SERVERS"], self.environment["DATABASE_URL"])


@asynccontextmanager
async def running(directory: Path, say: Say) -> AsyncIterator[Platform]:
    """Servers, topics, schema, configuration, web and two workers; ended again in the reverse order."""
    async with _servers(directory, say) as addresses:
        environment = _environment(addresses)
        await run_verb(environment, "topics", "create")
        await run_verb(environment, "migrate")
        await _configure(environment)
        settings = load_settings(environment, directory)
        logs = directory / "demo"
        runner = ProcfileRunner(
            ROOT / "Procfile",
            logs,
            environment,
            on_restart=lambda name, code: say(f"the supervisor restarts {name} (it ended with {code})"),
        )
        try:
            url = f"http://{settings.web_bind}:{settings.web_port}/"
            await _start(runner, url)
            session = settings.session_timeout_seconds
            yield Platform(runner, environment, url, settings.partitions, session, logs)
        finally:
            say("stopping web and workers")
            killed = await asyncio.to_thread(runner.stop)
            if killed:
                say(f"{', '.join(killed)} did not end by itself and was killed")


async def run_verb(environment: Mapping[str, str], *arguments: str) -> str:
    """Run `python -m app ARGUMENTS`; returns what it printed. Raises VerbFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app",
        *arguments,
        cwd=ROOT,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    text = printed.decode("utf-8", "replace").strip()
    if process.returncode:
        raise VerbFailed(f"{' '.join(arguments)} ended with {process.returncode}: {text}")
    return text


@asynccontextmanager
async def _servers(directory: Path, say: Say) -> AsyncIterator[Addresses]:
    """The environment's servers, or the local stack: left running where it ran before."""
    given = addresses_in(os.environ)
    if given is not None:
        say("Kafka and PostgreSQL are those of the environment")
        yield given
        return
    stack = LocalStack(directory)
    ran_before = any(server.pid is not None for server in stack.status())
    try:
        addresses = await asyncio.to_thread(stack.up)
        say(f"Kafka is at {addresses.kafka_bootstrap_servers}; its data and PostgreSQL's are in {directory}")
        yield addresses
    finally:
        if not ran_before:
            say("stopping Kafka and PostgreSQL")
            await asyncio.to_thread(stack.down)


def _environment(addresses: Addresses) -> dict[str, str]:
    environment = {**os.environ, **addresses.as_environment()}
    environment.setdefault(SESSION, DEMO_SESSION_SECONDS)
    environment.setdefault(REFIRE, DEMO_REFIRE_SECONDS)
    for psp in PSPS.values():
        if psp.posts:
            environment.setdefault(webhook_secrets_variable(psp.name), f"{new_secret()},{new_secret()}")
    if WEB_PORT not in environment:
        port = DEFAULT_WEB_PORT if is_free(DEFAULT_WEB_PORT) else free_port()
        environment[WEB_PORT] = str(port)
    return environment


async def _configure(environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "demo.json")
        path.write_bytes(orjson.dumps(platform()))
        await run_verb(environment, "configure", str(path))


async def _start(runner: ProcfileRunner, url: str) -> None:
    (web,) = runner.start("web")
    runner.start("worker", WORKERS)
    await asyncio.to_thread(runner.wait_ready, web, lambda: _answers(f"{url}healthz"), READY_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
