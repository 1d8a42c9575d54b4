"""The whole way of a request, each part a process of its own: web, worker, PSP, Kafka, PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from app.domain.streams import PAYMENTS_COMMANDS
from app.stack.local import LocalStack
from tests.effects.workers import SETTINGS, Workers
from tests.support.commands import CHECKOUT, app_command, environment, run_app
from tests.support.live import STOP_SECONDS, Live, prepared_program
from tests.support.waiting import eventually, free_port, wait_for
from tests.support.webhooks import SANDBOX_SECRET

API_KEY = "sk_of_the_tests"
SECONDS = 60.0
SECRETS = {
    "TALLYSTICK_KEY_SECRET": "k" * 40,
    "TALLYSTICK_PSP_SANDBOX_WEBHOOK_SECRETS": SANDBOX_SECRET,
}
PLATFORM: dict[str, Any] = {"default_psp": "sandbox", "psps": {"sandbox": {"api": True}}}
MERCHANT = {
    "type": "merchant.configure",
    "id": "c0",
    "merchant_id": "m-1",
    "name": "Acme & Söhne",
    "settlement_currency": "EUR",
}


class Api:
    """`urls` of the web processes; `key` is the merchant's, `admin` one of staff."""

    def __init__(self, live: Live, psp_url: str, urls: list[str], key: str, admin: str, logs: Path) -> None:
        self.live, self.psp_url, self.urls, self.key, self.admin = live, psp_url, urls, key, admin
        self._logs = logs

    async def post(self, session: ClientSession, path: str, body: Any, key: str, web: int = 0) -> Any:
        """(status, document, headers); waits for the outcome."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": key, "Prefer": "wait=10"}
        async with session.post(self.urls[web] + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    async def charges(self, session: ClientSession) -> dict[str, Any]:
        """What the PSP has in its own books."""
        async with session.get(f"{self.psp_url}/_control/books") as answer:
            return dict(await answer.json())

    def logged(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self._logs.glob("*.log")))


@contextmanager
def process(log: Path, env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Ends with the context, as an operator would end it."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            app_command(*arguments), cwd=CHECKOUT, env=env, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield started
            started.terminate()
            assert started.wait(STOP_SECONDS) == 0, log.read_text("utf-8")[-3000:]
        finally:
            started.kill()
            started.wait()


@contextmanager
def psp(folder: Path, webhook_url: str) -> Iterator[str]:
    """The sandbox PSP; yields its URL."""
    port = free_port()
    log = folder / "psp.log"
    arguments = ["--port", str(port), "--api-key", API_KEY, "--faults", "latency_ms=20"]
    arguments += ["--webhook-url", f"{webhook_url}/webhooks/sandbox", "--webhook-secret", SANDBOX_SECRET]
    with process(log, environment(), "sandbox", *arguments):
        wait_for(lambda: str(port) in log.read_text("utf-8"), SECONDS, "the sandbox PSP")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def web(live: Live, folder: Path, port: int) -> Iterator[str]:
    log, url = folder / f"web-{port}.log", f"http://127.0.0.1:{port}"
    env = live.environment(**SETTINGS, **SECRETS, TALLYSTICK_WEB_PORT=str(port), TALLYSTICK_PUBLIC_URL=url)
    with process(log, env, "web"):
        wait_for(lambda: url in log.read_text("utf-8"), SECONDS, f"the web process that logs to {log}")
        yield url


@pytest.fixture
async def live(local_stack: LocalStack, own_template: str, tmp_path: Path) -> AsyncIterator[Live]:
    async with prepared_program(local_stack, own_template, tmp_path) as live:
        yield live


@pytest.fixture
async def api(live: Live, tmp_path: Path) -> AsyncIterator[Api]:
    """A merchant, its key, two web processes, one worker and the PSP."""
    logs = tmp_path / "logs"
    logs.mkdir()
    live.configure(PLATFORM)
    await live.send(PAYMENTS_COMMANDS, [("m-1", MERCHANT)])
    with ExitStack() as stack:
        urls = [stack.enter_context(web(live, logs, free_port())) for _ in range(2)]
        psp_url = stack.enter_context(psp(logs, urls[0]))
        workers = Workers(live, logs)
        stack.callback(workers.end)
        # Payers are led to the first web process.
        workers.start(
            **SECRETS,
            TALLYSTICK_PSP_SANDBOX_API_KEY=API_KEY,
            TALLYSTICK_PSP_SANDBOX_API_URL=psp_url,
            TALLYSTICK_PUBLIC_URL=urls[0],
        )
        await eventually(lambda: _known(live), SECONDS, "the merchant in the books")
        yield Api(live, psp_url, urls, _key(live, "--merchant", "m-1"), _key(live, "--role", "admin"), logs)
        workers.stop()


async def _known(live: Live) -> bool:
    return bool(await live.pool.fetchval("SELECT count(*) FROM merchants WHERE configured"))


def _key(live: Live, *whose: str) -> str:
    made = run_app("keys", "create", *whose, env=live.environment(**SECRETS))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
