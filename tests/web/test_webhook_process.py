"""The webhook door of a real web process while Kafka is away: it serves the rest, and says 503 in time."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

from app.contracts.topics import specs
from app.domain.streams import PSP_WEBHOOKS
from app.kafka.reader import RangeReader
from app.settings import ROOT
from app.stack.local import LocalStack
from tests.support.psp_payments import StripePayment
from tests.support.silent import silent_server
from tests.support.topics import make_anew
from tests.support.waiting import eventually, free_port
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


async def posted(session: ClientSession, url: str, number: int = 1) -> tuple[int, str, str | None]:
    """(status, problem code or "", Retry-After) of a rightly signed webhook."""
    _, headers, body = stripe_delivery(StripePayment(number).refund_created(), int(time.time()))
    sent = {**headers, "Content-Type": "application/json"}
    async with session.post(f"{url}webhooks/stripe", data=body, headers=sent) as answer:
        code = "" if answer.status == 200 else (await answer.json(content_type=None))["code"]
        return answer.status, code, answer.headers.get("Retry-After")


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


@pytest.mark.slow
async def test_a_broker_that_is_killed_and_comes_back(local_stack: LocalStack, database: str) -> None:
    """Not one webhook is answered 200 that is not in the log, and the web goes on by itself."""
    kafka = local_stack.addresses.kafka_bootstrap_servers
    more = {SECRETS: STRIPE_SECRET, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TALLYSTICK_PARTITIONS": "2"}
    await make_anew(kafka, [spec for spec in specs(2) if spec.name == PSP_WEBHOOKS])
    reader, statuses = RangeReader(kafka, client_id="tests"), list[int]()
    async with web_process(database, **more) as (_, url), ClientSession() as session:

        async def post() -> int:
            began = time.monotonic()
            statuses.append((await posted(session, url, len(statuses)))[0])
            assert time.monotonic() - began < ANSWER_WITHIN_SECONDS
            return statuses[-1]

        assert await post() == 200
        await asyncio.to_thread(local_stack.kafka.kill)
        try:
            assert [await post(), await post()] == [503, 503]
        finally:
            await asyncio.to_thread(local_stack.up)

        async def taken_again() -> Any:
            return await post() == 200

        await eventually(taken_again, 60, "a webhook to be stored again")
    ends = await reader.end_offsets([(PSP_WEBHOOKS, number) for number in range(2)])
    await reader.stop()
    assert set(statuses) == {200, 503}
    assert sum(ends.values()) >= statuses.count(200) == 2


def test_a_wrong_secret_is_said_at_the_start_and_not_shown(database: str) -> None:
    done = run(database, "web", **{SECRETS: "sesame"})
    assert done.returncode == 2
    assert SECRETS in done.stderr
    assert "sesame" not in done.stderr + done.stdout
