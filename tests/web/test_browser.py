"""The live page in a real browser: what is new appears by itself, and nothing moves what is being read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web import rows
from tests.web.browsers import WITHIN_MS, WORST_CONTRAST, needs_browser, served
from tests.web.conftest import Web
from tests.web.test_evidence import PAIR

pytestmark = needs_browser
FULL = "/mismatches?show=all&severity=LOW&severity=HIGH&psp=stripe&amount_from=1#one"


@pytest.fixture
async def page(browser: Browser, web: Web) -> AsyncIterator[Page]:
    """The overview, live, with every complaint of the browser's console counted as a failure."""
    await rows.positions(web.pool)
    page = await browser.new_page(viewport={"width": 1280, "height": 700})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(str(web.client.make_url("/")))
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=WITHIN_MS)
    yield page
    assert complaints == []
    await page.close()


async def fill(web: Web, count: int) -> None:
    for number in range(count):
        await rows.news(web, f"old-{number}", detected_at=rows.NOON - timedelta(minutes=number))


async def test_a_mismatch_appears_by_itself_and_newest_on_top(page: Page, web: Web) -> None:
    await expect(page.locator("#no-mismatches")).to_be_visible()
    await rows.news(web, "one", expected_amount=1234567, actual_amount=1200000)
    row = page.locator("#mismatch-one")
    await expect(row).to_be_visible(timeout=WITHIN_MS)
    await expect(page.locator("#no-mismatches")).to_be_hidden()
    await expect(row).to_contain_text("12\u202f345.67")
    await expect(row).to_contain_text("−345.67")
    await rows.news(web, "two", detected_at=rows.NOON + timedelta(seconds=1))
    await rows.news(web, "zero", detected_at=rows.NOON - timedelta(seconds=1))
    await expect(page.locator("#mismatches tr")).to_have_count(3, timeout=WITHIN_MS)
    assert await ids(page) == ["mismatch-two", "mismatch-one", "mismatch-zero"]
    await rows.news(
        web, "one", "resolved", 2, status="auto_resolved", expected_amount=1234567, actual_amount=1200000
    )
    await expect(row).to_contain_text("Auto resolved", timeout=WITHIN_MS)


async def test_figures_change_by_themselves(page: Page, web: Web) -> None:
    await expect(page.locator("#books")).to_contain_text("Nothing is booked yet")
    await rows.account(web.pool, "psp_recv:stripe", 100000, "JPY")
    await rows.account(web.pool, "m_pend:m-1", 100000, "JPY")
    await rows.worker(web.pool, "w-1", ["payments.commands:0"])
    await rows.move(web.pool, "payments.commands", 0, 98765)
    await expect(page.locator("#books")).to_contain_text("100\u202f000", timeout=WITHIN_MS)
    await expect(page.locator("#lanes")).to_contain_text("98\u202f765", timeout=WITHIN_MS)
    await expect(page.locator("#workers")).to_contain_text("w-1", timeout=WITHIN_MS)
    await web.pool.execute(
        "UPDATE positions SET halted_at = now(), halted_reason = 'does not balance' WHERE partition = 1"
    )
    await expect(page.locator("#lanes")).to_contain_text("does not balance", timeout=WITHIN_MS)
    await expect(page.locator("#tiles")).to_contain_text("3 halted partitions", timeout=WITHIN_MS)


async def test_what_is_being_read_does_not_move(page: Page, web: Web) -> None:
    await fill(web, 40)
    await expect(page.locator("#mismatches tr")).to_have_count(40, timeout=WITHIN_MS)
    target = page.locator("#mismatch-old-20")
    await page.evaluate("document.querySelector('#mismatch-list').scrollTop = 700")
    before = await target.bounding_box()
    await rows.news(web, "new-1", detected_at=rows.NOON + timedelta(seconds=1))
    await rows.news(web, "new-2", detected_at=rows.NOON + timedelta(seconds=2))
    button = page.locator("#show-new")
    await expect(button).to_have_text("Show 2 new", timeout=WITHIN_MS)
    assert await target.bounding_box() == before
    assert await page.locator("#mismatch-new-1").count() == 0
    await button.click()
    await expect(page.locator("#mismatch-new-2")).to_be_in_viewport()
    assert (await ids(page))[:3] == ["mismatch-new-2", "mismatch-new-1", "mismatch-old-0"]
    await expect(button).to_be_hidden()


async def test_a_selection_survives_the_updates(page: Page, web: Web) -> None:
    await rows.news(web, "one")
    await expect(page.locator("#mismatch-one")).to_be_visible(timeout=WITHIN_MS)
    await page.locator("#mismatch-one .who").dblclick()
    selected = await page.evaluate("String(getSelection())")
    assert selected.strip()
    await rows.move(web.pool, "payments.commands", 0, 55555)
    await expect(page.locator("#lanes")).to_contain_text("55\u202f555", timeout=WITHIN_MS)
    assert await page.evaluate("String(getSelection())") == selected


async def test_hostile_text_stays_text(page: Page, web: Web) -> None:
    hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    await rows.news(web, "one", merchant_id=hostile, payment_id=hostile, psp=hostile)
    await expect(page.locator("#mismatch-one")).to_contain_text(hostile, timeout=WITHIN_MS)
    assert await page.locator("main img, main script").count() == 0
    await page.locator("#mismatch-one a").click()
    await expect(page.locator("#detail")).to_contain_text(hostile)


async def test_the_first_look_needs_no_script(browser: Browser, web: Web) -> None:
    await rows.positions(web.pool)
    await rows.mismatch(web.pool, "one")
    await rows.account(web.pool, "plat_fee", 123456)
    await served(web, "mismatch-one", "1\u202f234.56")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(str(web.client.make_url("/")))
    await expect(page.locator("#mismatch-one")).to_be_visible()
    await expect(page.locator("#books")).to_contain_text("1\u202f234.56")
    await context.close()


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_overflows_and_texts_have_contrast(
    browser: Browser, web: Web, width: int, scheme: Any
) -> None:
    """The overview, the finder with everything open, and one mismatch."""
    await rows.positions(web.pool)
    await rows.worker(web.pool, "w-1", ["payments.commands:0"])
    await rows.account(web.pool, "m_pend:m-1", 10**15)
    await rows.mismatch(
        web.pool, "one", expected_amount=10**15, payment_id="p" * 120, explanation=json.dumps(PAIR)
    )
    for severity in ("CRITICAL", "HIGH", "MEDIUM"):
        await rows.mismatch(web.pool, severity, severity=severity)
    await served(web, "mismatch-one", "mismatch-MEDIUM", "m_pend")
    context = await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = await context.new_page()
    for path, shown in (("/", "#mismatch-one"), (FULL, "#more-filters"), ("/mismatches/one", "#detail")):
        await page.goto(str(web.client.make_url(path)))
        await expect(page.locator(shown)).to_be_visible()
        if path == FULL:
            await page.evaluate("document.getElementById('more-filters').open = true")
            await expect(page.locator("#panel #detail")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert await page.evaluate(WORST_CONTRAST) >= 4.5, path  # WCAG 2.2 AA
    await context.close()


async def ids(page: Page) -> list[str]:
    found: list[str] = await page.locator("#mismatches tr").evaluate_all("rows => rows.map(row => row.id)")
    return found
