"""Requests for money through a real worker to the sandbox PSP, a process of its own with its own books."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientSession

from app.domain.streams import PAYMENTS_COMMANDS
from tests.effects.workers import Workers
from tests.support.commands import CHECKOUT, app_command, environment
from tests.support.live import Live
from tests.support.waiting import eventually, free_port, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.slow]
KEY = "sk_of_the_tests"
SECONDS = 40.0
PLATFORM: dict[str, Any] = {
    "default_psp": "sandbox",
    "psps": {"sandbox": {"api": True}},
    "effects": {"psp:sandbox": {"pauses_seconds": [0.3, 0.6, 1.0], "deadline_seconds": 60}},
}
TOKENS = {
    "tok_ok": "captured",
    "tok_declined": "failed",
    "tok_timeout": "captured",
    "tok_error": "captured",
    "tok_error_but_done": "captured",
}
"""The sandbox's means of payment -> what the payment ends as, whatever its call went through."""
CONFIGURED = {
    "type": "merchant.configure",
    "id": "c0",
    "merchant_id": "m-1",
    "settlement_currency": "EUR",
}


class Psp(NamedTuple):
    url: str

    @property
    def access(self) -> dict[str, str]:
        return {
            "TALLYSTICK_PSP_SANDBOX_API_KEY": KEY,
            "TALLYSTICK_PSP_SANDBOX_API_URL": self.url,
            "TALLYSTICK_PSP_SANDBOX_TIMEOUT_SECONDS": "1",
        }


@pytest.fixture
def psp(tmp_path: Path) -> Iterator[Psp]:
    """The sandbox PSP; each of its answers takes a while."""
    port = free_port()
    command = app_command("sandbox", "--port", str(port), "--api-key", KEY, "--faults", "latency_ms=150")
    printed = tmp_path / "psp.log"
    with printed.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_for(lambda: str(port) in printed.read_text("utf-8"), SECONDS, "the sandbox PSP")
        yield Psp(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def create(number: int, token: str) -> tuple[str, dict[str, Any]]:
    return "m-1", {
        "type": "payment.create",
        "id": f"rq-{number}",
        "merchant_id": "m-1",
        "payment_id": f"pay-{number}",
        "amount": 1000 + number,
        "currency": "EUR",
        "payment_method": token,
        "order_ref": f"o-{number}",
    }


async def charges(psp: Psp) -> list[dict[str, Any]]:
    async with ClientSession() as session, session.get(f"{psp.url}/_control/books") as response:
        books = await response.json()
    found = books["charges"]
    return list(found.values()) if isinstance(found, dict) else list(found)


async def test_each_payment_is_made_once_though_calls_fail_and_workers_die(
    live: Live, workers: Workers, psp: Psp
) -> None:
    live.configure(PLATFORM)
    tokens = [token for token in TOKENS for _ in range(6)]
    wanted = {f"pay-{number}": TOKENS[token] for number, token in enumerate(tokens)}
    await live.send(PAYMENTS_COMMANDS, [("m-1", CONFIGURED)])
    await live.send(PAYMENTS_COMMANDS, [create(number, token) for number, token in enumerate(tokens)])
    workers.start("one", **psp.access)
    await eventually(lambda: some_charges(psp), SECONDS, "calls under way")
    workers.kill("one")
    workers.start("one", **psp.access)

    async def ended() -> bool:
        rows = await live.pool.fetch("SELECT id, status FROM payments")
        return {row["id"]: row["status"] for row in rows} == wanted

    await eventually(ended, SECONDS, "all payments as they have to end")
    made = Counter(charge["metadata"]["payment_id"] for charge in await charges(psp))
    assert set(made) == set(wanted)
    assert set(made.values()) == {1}
    workers.stop("one")


async def some_charges(psp: Psp) -> bool:
    return len(await charges(psp)) > 2
