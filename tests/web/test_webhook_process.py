"""The webhook door of a real web process while Kafka is away: it serves the rest, and says 503 in time."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession

from app.settings import ROOT
from tests.support.psp_payments import StripePayment
from tests.support.silent import silent_server
from tests.support.waiting import free_port
from tests.support.webhooks import STRIPE_SECRET, stripe_delivery
from tests.web.test_process import environment, run

SECRETS = "TALLYSTICK_PSP_STRIPE_WEBHOOK_SECRETS"
ANSWER_WITHIN_SECONDS = 10.0


@asynccontextmanager
async def web_process(database: str, **more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "web",
        env=environment(database, **more), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        found = re.fullmatch(r"tallystick web: (http://127\.0\.0\.1:\d+/)\n", line)
        assert found, line
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def posted(session: ClientSession, url: str) -> tuple[int, str, str | None]:
    """(status, problem code, Retry-After) of a rightly signed webhook."""
    _, headers, body = stripe_delivery(StripePayment(1).refund_created(), int(time.time()))
    sent = {**headers, "Content-Type": "application/json"}
    async with session.post(f"{url}webhooks/stripe", data=body, headers=sent) as answer:
        return (
            answer.status,
            (await answer.json(content_type=None))["code"],
            answer.headers.get("Retry-After"),
        )


async def test_no_broker_at_all(database: str) -> None:
    more = {SECRETS: STRIPE_SECRET, "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}
    async with web_process(database, **more) as (_, url), ClientSession() as session:
        async with session.get(f"{url}healthz") as healthy:
            assert healthy.status == 200
        assert await posted(session, url) == (503, "kafka_unavailable", "5")


async def test_a_broker_that_says_nothing(database: str) -> None:
    """Twenty at once, each answered inside of ten seconds, while health is answered at once."""
    async with silent_server() as broker:
        more = {SECRETS: STRIPE_SECRET, "KAFKA_BOOTSTRAP_SERVERS": broker.address}
        async with web_process(database, **more) as (process, url), ClientSession() as session:
            began = time.monotonic()
            waiting = asyncio.gather(*(posted(session, url) for _ in range(20)))
            async with session.get(f"{url}healthz") as healthy:
                assert healthy.status == 200
            assert not waiting.done()
            assert set(await waiting) == {(503, "kafka_unavailable", "5")}
            assert time.monotonic() - began < ANSWER_WITHIN_SECONDS
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 15) == 0
            assert process.stderr is not None
            said = (await process.stderr.read()).decode()
    assert "Traceback" not in said
    assert STRIPE_SECRET not in said


def test_a_wrong_secret_is_said_at_the_start_and_not_shown(database: str) -> None:
    done = run(database, "web", **{SECRETS: "sesame"})
    assert done.returncode == 2
    assert SECRETS in done.stderr
    assert "sesame" not in done.stderr + done.stdout
