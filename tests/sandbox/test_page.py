"""The hosted page: over HTTP whatever a payer can do, and once in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import async_playwright, expect

from tests.support.sandbox import Psp, sandbox
from tests.web.browsers import ARGUMENTS, CHROMIUM, WITHIN_MS, WORST_CONTRAST, needs_browser

BACK = "http://shop.example/back"


async def session(psp: Psp, **more: Any) -> tuple[str, str]:
    """(path of the page, the charge's id)"""
    body = {"amount": 1234, "currency": "KWD", "description": "<b>Shoes</b>", "return_url": BACK, **more}
    made = (await psp.post("/v1/sessions", body))[1]
    assert made["url"] == f"{psp.url}/pay/{made['id']}"
    return f"/pay/{made['id']}", made["charge"]


async def status(psp: Psp, charge: str) -> str:
    return str((await psp.get(f"/v1/charges/{charge}"))[1]["status"])


async def test_the_page_says_what_is_paid_and_asks_for_no_card() -> None:
    async with sandbox() as psp:
        page = await psp.page((await session(psp))[0])
        assert "1.234 KWD" in page
        assert "&lt;b&gt;Shoes&lt;/b&gt;" in page
        assert "<input" not in page


async def test_pay_and_back_to_the_shop_once() -> None:
    async with sandbox() as psp:
        path, charge = await session(psp)
        assert await psp.form(path, token="tok_ok") == (303, BACK)
        assert await status(psp, charge) == "captured"
        assert await psp.form(path, token="tok_ok") == (303, BACK)
        assert len((await psp.books())["movements"]) == 1
        assert "Paid" in await psp.page(path)


async def test_a_decline_leaves_the_page_open_for_another_try() -> None:
    async with sandbox() as psp:
        path, charge = await session(psp)
        assert await psp.form(path, token="tok_insufficient_funds") == (303, path)
        assert "not enough money" in await psp.page(path)
        assert await status(psp, charge) == "failed"
        assert await psp.form(path, token="tok_ok") == (303, BACK)
        assert await status(psp, charge) == "captured"


@pytest.mark.parametrize(
    ("token", "answer", "onwards", "becomes"),
    [
        ("tok_3ds_ok", "approve", BACK, "captured"),
        ("tok_3ds_ok", "refuse", "page", "failed"),
        ("tok_3ds_fails", "approve", "page", "failed"),
    ],
)
async def test_three_d_secure(token: str, answer: str, onwards: str, becomes: str) -> None:
    async with sandbox() as psp:
        path, charge = await session(psp)
        step = f"/pay/{charge}/challenge"
        assert await psp.form(path, token=token) == (303, step)
        assert "is you who pays" in await psp.page(path)
        assert await psp.form(step, answer=answer) == (303, path if onwards == "page" else BACK)
        assert await status(psp, charge) == becomes


async def test_without_a_shop_the_page_says_the_end() -> None:
    async with sandbox() as psp:
        path, _ = await session(psp, return_url=None)
        code, page = await psp.form(path, token="tok_ok")
        assert (code, "Paid" in page) == (200, True)


async def test_nobody_pays_in_time() -> None:
    async with sandbox(terms={"session_seconds": 0.05}) as psp:
        path, charge = await session(psp)
        await psp.until(f"/v1/charges/{charge}", "expired")
        assert "Not paid" in await psp.page(path)
        assert await psp.form(path, token="tok_ok") == (303, BACK)
        assert await status(psp, charge) == "expired"


async def test_a_void_closes_the_page() -> None:
    async with sandbox() as psp:
        path, charge = await session(psp)
        assert (await psp.post(f"/v1/charges/{charge}/void", {}))[1]["status"] == "voided"
        assert "Not paid" in await psp.page(path)


async def test_what_is_no_choice_is_refused() -> None:
    async with sandbox() as psp:
        path, charge = await session(psp)
        assert (await psp.form(path, token="4242424242424242"))[0] == 400
        code, page = await psp.form("/pay/cs_none", token="tok_ok")
        assert (code, "there is no session cs_none" in page) == (404, True)
        assert await status(psp, charge) == "created"


@pytest.mark.browser
@needs_browser[1]
async def test_in_a_browser() -> None:
    async with sandbox() as psp, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 390, "height": 700})
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        path, charge = await session(psp, return_url=f"{psp.url}/pay/done")
        await page.goto(psp.url + path)
        assert await page.evaluate(WORST_CONTRAST) >= 4.5
        await page.get_by_role("button", name="Pay with a card that is declined").click()
        await expect(page.get_by_role("alert")).to_contain_text("declined", timeout=WITHIN_MS)
        await page.get_by_role("button", name=re.compile("3-D Secure$")).click()
        await page.get_by_role("button", name="Approve").click()
        await page.wait_for_url("**/pay/done", timeout=WITHIN_MS)
        assert await status(psp, charge) == "captured"
        assert [text for text in complaints if "404" not in text] == []  # the shop is not there
        await browser.close()
