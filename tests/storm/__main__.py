"""The sandbox PSP against the API under a seeded storm: time-outs, repeats, late webhooks, kills.

    python -m tests.storm --minutes 30 --seed 1 --rate 10

One line per kill, and at the end the PSP's books beside ours. Ends with 0 only where both agree to the unit,
every payment is final, `verify` is green. Its folder is kept when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import aiohttp

from tests.storm.client import Client
from tests.storm.customers import Customer, Ledger
from tests.storm.judge import judge
from tests.storm.shop import Shop, open_shop
from tests.support.long_runs import run_in_folder
from tests.support.waiting import eventually

REPEATS: Final = 0.05
FAULTS: Final = (
    "--faults timeouts_before=0.025,timeouts_after=0.025,errors_before=0.01,errors_after=0.01,throttled=0.01,"
    "hang_seconds=4,latency_ms=20,latency_spread_ms=60,webhooks_late=0.1,late_seconds=20,webhooks_twice=0.05,"
    "webhooks_reordered=0.05,webhooks_never=0.02,resend_every_seconds=15,"
    "payouts_failing=0.1,payouts_returned=0.1"
)
"""5 % of the requests time out, half of them though they happened; 10 % of the webhooks are late."""
OPEN: Final = "SELECT count(*) FROM effects WHERE status IN ('ready', 'waiting')"
READY_SECONDS: Final = 120.0
DRAIN_SECONDS: Final = 600.0


def say(text: str) -> None:
    print(text, flush=True)


async def storm(shop: Shop, seconds: float, rate: float, every: float, seed: int) -> tuple[Ledger, Client]:
    """Customers come at `rate` per second; a process dies `every` so many seconds."""
    random, ledger = Random(seed), Ledger()
    client = Client(shop.urls, await shop.key(), Random(seed + 1), REPEATS)
    began, number, next_kill = time.monotonic(), 0, every
    async with client, asyncio.TaskGroup() as customers:
        while (elapsed := time.monotonic() - began) < seconds:
            while number < elapsed * rate:
                customer = Customer(client, ledger, Random(f"{seed}/{number}"), number)
                customers.create_task(customer.act())
                number += 1
            if elapsed > next_kill:
                next_kill += every
                name = random.choice([each for each in shop.runner.names if each != "psp.1"])
                shop.runner.kill(name)
                say(f"{elapsed:7.1f} s  killed {name}; {number} customers, answers {dict(client.answers)}")
            await asyncio.sleep(0.05)
        say(f"{time.monotonic() - began:7.1f} s  the last of {number} customers has come; waiting for theirs")
    return ledger, client


async def up(shop: Shop) -> None:
    """Both web processes and the PSP answer, workers share all lanes."""
    async with aiohttp.ClientSession() as session:

        async def answers(url: str) -> bool:
            try:
                async with session.get(url) as response:
                    return response.status < 500
            except aiohttp.ClientError:
                return False

        for url in (*(f"{each}readyz" for each in shop.urls), f"{shop.psp_url}_control/status"):
            await _until(partial(answers, url), READY_SECONDS, f"{url} to answer")


async def _until(condition: Callable[[], Awaitable[bool]], within_seconds: float, what: str) -> None:
    holds: bool = await eventually(condition, within_seconds, what)
    assert holds


async def settled(shop: Shop) -> None:
    """No effect is open, nothing lies undecided: what is left now stays."""

    async def none_open() -> bool:
        status = await _control(shop, "status")
        told = not (status["undelivered"] or status["waiting"] or status["pending_payouts"])
        return told and not await shop.pool.fetchval(OPEN)

    await _until(none_open, DRAIN_SECONDS, "all effects and webhooks to be done")
    await shop.rest(DRAIN_SECONDS)


async def _control(shop: Shop, what: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{shop.psp_url}_control/{what}") as answer,
    ):
        found: dict[str, Any] = await answer.json()
        return found


async def run(options: argparse.Namespace, folder: Path) -> bool:
    async with open_shop(folder, options.seed, FAULTS, options.workers) as shop:
        await up(shop)
        say(f"{options.rate}/s for {options.minutes} min, seed {options.seed}, folder {folder}")
        ledger, client = await storm(
            shop, options.minutes * 60, options.rate, options.kill_every, options.seed
        )
        await settled(shop)
        verdict = await judge(shop.pool, await _control(shop, "books"), ledger)
        say(f"answers {dict(sorted(client.answers.items()))}")
        say("  ".join(f"{name} {count:,}" for name, count in verdict.figures.items()))
        for problem in verdict.problems[:50]:
            say(f"WRONG {problem}")
        say(await shop.verb("verify"))
        agreed = "the PSP's books are ours, to the unit"
        say(agreed if not verdict.problems else f"{len(verdict.problems)} things are WRONG")
        return not verdict.problems


def main() -> int:
    parser = argparse.ArgumentParser(description="The sandbox PSP against the API, with kills and faults.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rate", type=float, default=10.0, help="customers per second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds between kills")
    options = parser.parse_args()
    return run_in_folder("storm", options.seed, partial(run, options))


if __name__ == "__main__":
    sys.exit(main())
