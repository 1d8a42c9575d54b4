"""The whole way: a payment and its settlement line are produced, and the mismatch stands on an open page.

pytest -s tests/e2e/test_live_page.py     # prints how long it took
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, Any

import asyncpg
import pytest
from aiohttp import ClientError, ClientSession
from playwright.async_api import Browser, Page, async_playwright, expect

from app.domain.streams import PAYMENTS_COMMANDS, SETTLEMENTS_LINES
from app.stack.local import LocalStack
from tests.support.commands import CHECKOUT, app_command
from tests.support.live import Live
from tests.support.waiting import eventually, free_port
from tests.web.browsers import ARGUMENTS, CHROMIUM, needs_browser

pytestmark = [pytest.mark.stack, pytest.mark.slow, *needs_browser]

SHOWN_WITHIN_SECONDS = 10.0
"""A bound for a busy machine; the figure that counts is printed."""
MEDIAN_WITHIN_SECONDS = 3.0
ROUNDS = 20
KAFKA_AWAY_SECONDS = 30.0
RECOVERED_WITHIN_MS = 120_000
LONG_SECONDS = 90 * 86_400


class WebProcess:
    """`python -m app web` on a port that stays the same when it is started again."""

    def __init__(self, live: Live, folder: Path) -> None:
        self._live, self._folder, self.port = live, folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        with (self._folder / "web.log").open("ab") as output:
            self._process = self._started(output)
        await eventually(self._answers, 60, "the web process to answer")

    def _started(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        env = self._live.environment(TALLYSTICK_WEB_PORT=str(self.port))
        return subprocess.Popen(
            app_command("web"), cwd=CHECKOUT, env=env, stdout=output, stderr=subprocess.STDOUT
        )

    async def _answers(self) -> Any:
        try:
            async with ClientSession() as session, session.get(f"{self.url}/healthz") as response:
                return response.status == 200
        except ClientError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def ended(process: WebProcess) -> Iterator[WebProcess]:
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
async def served(live: Live, tmp_path: Path) -> AsyncIterator[WebProcess]:
    live.configure({"psps": {"stripe": {"settlement_window_seconds": LONG_SECONDS}}})
    with ended(WebProcess(live, tmp_path)) as process:
        await process.start()
        yield process


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def opened(browser: Browser, url: str) -> Page:
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    await page.goto(url)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=60_000)
    return page


def payment(name: str) -> tuple[str, dict[str, Any]]:
    return "m-1", {
        "type": "payment.record", "id": f"c-{name}", "merchant_id": "m-1", "payment_id": name,
        "amount": 12345, "currency": "EUR", "psp": "stripe", "psp_payment_id": f"pi_{name}", "method": "card",
        "occurred_at": "2026-11-20T09:00:00Z",
    }  # fmt: skip


def line(name: str) -> tuple[str, dict[str, Any]]:
    """It settles 3.45 less than was captured."""
    return "a/B1", {
        "type": "settlement.line", "source": "a", "psp": "stripe", "batch_id": "B1", "line_id": f"L-{name}",
        "kind": "capture", "psp_payment_id": f"pi_{name}", "currency": "EUR", "gross": 12000, "fee": 0,
        "tax": 0, "reserve": 0, "settle_currency": "EUR", "rate": None, "net": 12000,
        "booked_on": "2026-11-21",
    }  # fmt: skip


async def produce(live: Live, *names: str) -> None:
    await live.send(PAYMENTS_COMMANDS, map(payment, names))
    await live.send(SETTLEMENTS_LINES, map(line, names))


async def open_in_database(live: Live, count: int) -> set[str]:
    async def found() -> Any:
        try:
            rows = await live.pool.fetch("SELECT id FROM mismatches")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it was killed a moment ago
            return None
        return {row["id"] for row in rows} if len(rows) == count else None

    ids: set[str] = await eventually(found, 120, f"{count} mismatches in the database")
    return ids


async def on_page(page: Page) -> set[str]:
    ids: list[str] = await page.locator("#mismatches tr").evaluate_all(
        "rows => rows.map(row => row.id.slice('mismatch-'.length))"
    )
    return set(ids)


@pytest.mark.parametrize("path", ["/", "/mismatches"])
async def test_a_mismatch_is_on_the_open_page_at_once(
    live: Live, served: WebProcess, browser: Browser, path: str
) -> None:
    names = [f"pay-{number}" for number in range(ROUNDS)]
    await live.send(PAYMENTS_COMMANDS, map(payment, names))
    await live.rest()
    page = await opened(browser, served.url + path)
    clock = asyncio.get_running_loop().time
    took: list[float] = []
    for name in names:
        shown = page.locator("#mismatches tr", has=page.get_by_text(name, exact=True))
        began = clock()
        await live.send(SETTLEMENTS_LINES, [line(name)])
        await shown.wait_for(state="visible", timeout=SHOWN_WITHIN_SECONDS * 1000)
        took.append(clock() - began)
    print(
        f"\n{path}: from producing the second side to the row in the browser, {ROUNDS} times: "
        f"median {median(took):.3f} s, longest {max(took):.3f} s"
    )
    assert median(took) < MEDIAN_WITHIN_SECONDS
    assert await on_page(page) == await open_in_database(live, ROUNDS)


async def test_the_page_recovers_by_itself_and_misses_nothing(
    live: Live, served: WebProcess, browser: Browser, local_stack: LocalStack
) -> None:
    """Kafka away for half a minute, the database killed, the web killed: news come in every phase."""
    overview, finder = await opened(browser, served.url), await opened(browser, f"{served.url}/mismatches")
    pages = (overview, finder)
    await produce(live, "before")
    await shows(pages, 1)

    local_stack.kill_broker()
    await asyncio.sleep(KAFKA_AWAY_SECONDS)  # the fault itself: nothing is waited for
    await asyncio.to_thread(local_stack.start_broker)
    await produce(live, "kafka-1", "kafka-2")
    await shows(pages, 3)

    local_stack.kill_database()
    await produce(live, "database-1", "database-2")
    await expect(overview.locator("#pulse")).to_have_attribute("data-state", "waiting", timeout=60_000)
    local_stack.start_database()
    await shows(pages, 5)

    served.kill()
    await produce(live, "web-1", "web-2", "web-3")
    await open_in_database(live, 8)
    for page in pages:
        await expect(page.locator("#pulse")).to_have_attribute("data-state", "waiting", timeout=60_000)
    await served.start()
    await shows(pages, 8)

    wanted = await open_in_database(live, 8)
    for page in pages:
        assert await on_page(page) == wanted
        await expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=60_000)


async def shows(pages: tuple[Page, ...], count: int) -> None:
    for page in pages:
        await expect(page.locator("#mismatches tr")).to_have_count(count, timeout=RECOVERED_WITHIN_MS)
