"""The payer's walk in a real browser: our page, the PSP's page, back before the webhook, then the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.api.conftest import Api
from tests.support.waiting import eventually
from tests.web.browsers import ARGUMENTS, CHROMIUM, WORST_CONTRAST, needs_browser

pytestmark = [pytest.mark.stack, pytest.mark.slow, *needs_browser]
WITHIN_MS = 20_000
ORDER = {
    "amount": 123450,
    "currency": "EUR",
    "description": "Order 4711: two chairs, one table",
    "return_url": "https://shop.example/thanks",
}
PHONE, DESK = {"width": 375, "height": 720}, {"width": 1100, "height": 760}


async def looks_well(page: Page, picture: Path) -> None:
    """Readable, and nothing is cut off at the side."""
    await page.screenshot(path=picture)
    assert await page.evaluate(WORST_CONTRAST) >= 4.5, picture.name
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), picture.name
    assert await page.locator("input").count() == 0, "no field for a card"


async def in_both(browser: Browser, url: str, folder: Path, name: str) -> None:
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        page = await browser.new_page(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
        await page.goto(url)
        await looks_well(page, folder / f"{name}-{scheme}.png")
        await page.close()


async def set_faults(api: Api, **faults: float) -> None:
    async with (
        ClientSession() as session,
        session.post(f"{api.psp_url}/_control/faults", json=faults) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def resend(api: Api) -> None:
    async with ClientSession() as session, session.post(f"{api.psp_url}/_control/resend") as answer:
        assert answer.status < 300, await answer.text()


async def test_a_payer_comes_back_before_the_webhook(api: Api, tmp_path: Path) -> None:
    async with ClientSession() as session:
        status, payment, _ = await api.post(session, "/v1/payments", ORDER, "one")
        assert (status, payment["status"]) == (201, "created")
    await set_faults(api, webhooks_never=1)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        url = payment["checkout_url"]
        await in_both(browser, url, tmp_path, "open")
        page = await browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
        problems: list[str] = []
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        await page.goto(url)
        await expect(page.locator(".sum")).to_have_text("1\u202f234.50 EUR")
        await expect(page.locator(".payee")).to_have_text("Acme & Söhne")
        await page.get_by_role("link", name="Continue to payment").click()
        await page.get_by_role("button", name="Pay", exact=True).click()
        await came_back(page)
        await in_both(browser, f"{url}/return", tmp_path, "processing")
        assert await api.live.pool.fetchval("SELECT status FROM payments") == "created"
        await set_faults(api, webhooks_never=0)
        await resend(api)
        await expect(page.get_by_role("heading", name="Payment received")).to_be_visible(timeout=WITHIN_MS)
        await expect(page.get_by_role("link", name="Back to Acme")).to_have_attribute(
            "href", "https://shop.example/thanks"
        )
        await in_both(browser, f"{url}/return", tmp_path, "paid")
        assert problems == []
        await browser.close()
    await eventually(lambda: is_captured(api), 10, "the payment in the books")


async def came_back(page: Page) -> None:
    """The PSP's page may offer a link instead of leading back by itself."""
    back = page.get_by_role("link", name="Back to the shop")
    heading = page.get_by_role("heading", name="Processing your payment")
    await expect(back.or_(heading).first).to_be_visible(timeout=WITHIN_MS)
    if await back.count():
        await back.click()
    await expect(heading).to_be_visible(timeout=WITHIN_MS)


async def is_captured(api: Api) -> Any:
    return await api.live.pool.fetchval("SELECT status = 'captured' FROM payments")


async def test_links_that_are_not_ours_lead_nowhere(api: Api) -> None:
    async with ClientSession() as session:
        _, payment, _ = await api.post(session, "/v1/payments", ORDER, "one")
        url = payment["checkout_url"]
        named, _, mac = url.rpartition(".")
        forged = [
            f"{named}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
            f"{named}x.{mac}",
            f"{named}.",
            named,
        ]
        for wrong in [*forged, f"{api.urls[0]}/checkout/x", f"{url}x", f"{url}/status/x"]:
            async with session.get(wrong) as answer:
                assert answer.status == 404, wrong
        async with session.get(f"{url}/status") as answer:
            assert await answer.json() == {"stage": "open"}
