"""The finder in a real browser: filters in the URL, keys, panel, selection, and rows that hold still."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web import rows
from tests.web.browsers import WITHIN_MS, needs_browser
from tests.web.conftest import Web
from tests.web.test_evidence import PAIR
from web.deps import DEPS

pytestmark = needs_browser
CATEGORIES = ("AMOUNT_UNDER", "LATE", "FEE_VARIANCE")
ANY_LIST = "**/mismatches?*"
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


@pytest.fixture
async def page(browser: Browser, web: Web) -> AsyncIterator[Page]:
    """Sixty mismatches, a live page, and every complaint of the console counted as a failure."""
    await rows.positions(web.pool)
    for number in range(60):
        await rows.mismatch(
            web.pool,
            f"old-{number:02}",
            category=CATEGORIES[number % 3],
            severity=SEVERITIES[number % 4],
            payment_id=f"pay-{number:02}",
            actual_amount=12000 - number,
            detected_at=rows.NOON - timedelta(minutes=number),
            explanation=json.dumps(PAIR),
        )
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await opened(page, web)
    yield page
    assert [text for text in complaints if "Failed to load resource" not in text] == []
    await page.close()


async def opened(page: Page, web: Web, query: str = "") -> None:
    await page.goto(str(web.client.make_url("/mismatches")) + query)
    await live(page)


async def live(page: Page) -> None:
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=WITHIN_MS)


async def ids(page: Page) -> list[str]:
    found: list[str] = await page.locator("#mismatches tr").evaluate_all(
        "rows => rows.map(row => row.id.slice(9))"
    )
    return found


async def settled(page: Page, count: int) -> None:
    await expect(page.locator("#mismatches tr")).to_have_count(count, timeout=WITHIN_MS)
    await expect(page.locator("#finder")).not_to_have_attribute("aria-busy", "true")


async def test_filters_live_in_the_url_and_survive_back_forward_and_reload(page: Page, web: Web) -> None:
    await page.get_by_role("link", name="Late 20").click()
    await settled(page, 20)
    assert page.url.endswith("?category=LATE")
    await page.get_by_role("link", name="Critical 5").click()
    await settled(page, 5)
    await page.select_option("select[name=sort]", "amount")
    await expect(page).to_have_url(
        str(web.client.make_url("/mismatches")) + "?category=LATE&severity=CRITICAL&sort=amount"
    )
    amounts = await ids(page)
    assert amounts == sorted(amounts, reverse=True)
    await page.reload()
    await live(page)
    assert await ids(page) == amounts
    await page.go_back()
    await page.go_back()
    await settled(page, 20)
    await expect(page.get_by_role("link", name="Late 20")).to_have_attribute("aria-current", "true")
    await page.go_back()
    await settled(page, 60)
    await page.go_forward()
    await settled(page, 20)


async def test_typing_searches_and_amounts_are_in_units_of_the_currency(page: Page, web: Web) -> None:
    await page.fill("#q", "pay-4")
    await settled(page, 10)
    await expect(page).to_have_url(str(web.client.make_url("/mismatches?q=pay-4")))
    await page.locator("#more-filters summary").click()
    await page.fill("input[name=amount_from]", "3.94")
    await page.keyboard.press("Tab")
    await expect(page).to_have_url(str(web.client.make_url("/mismatches?q=pay-4&amount_from=394")))
    await expect(page.locator(".choice.applied")).to_have_count(2)
    await expect(page.locator(".choice.applied").first).to_contain_text("3.94")
    await page.locator(".choice.applied").first.click()
    await settled(page, 10)
    await expect(page.locator("#q")).to_have_value("pay-4")


async def test_a_filter_that_cannot_be_is_said_and_the_list_stays(page: Page) -> None:
    await page.locator("#more-filters summary").click()
    await page.fill("input[name=min_age_hours]", "a while")
    await page.keyboard.press("Tab")
    await expect(page.locator("#error")).to_contain_text("min_age_hours", timeout=WITHIN_MS)
    await settled(page, 60)
    assert page.url.endswith("/mismatches")
    await page.fill("input[name=min_age_hours]", "")
    await page.fill("#q", "pay-1")
    await settled(page, 10)
    await expect(page.locator("#error")).to_be_hidden()


async def test_a_server_that_is_away_is_said_and_tried_again(page: Page) -> None:
    await page.route(ANY_LIST, lambda route: route.abort())
    await page.get_by_role("link", name="Late 20").click()
    await expect(page.locator("#error")).to_contain_text("does not answer", timeout=WITHIN_MS)
    await settled(page, 60)
    await page.unroute(ANY_LIST)
    await page.get_by_role("button", name="Try again").click()
    await settled(page, 20)
    await expect(page.locator("#error")).to_be_hidden()


async def test_new_rows_come_on_top_or_wait_while_somebody_reads(page: Page, web: Web) -> None:
    await page.mouse.move(5, 5)
    await rows.news(web, "new-0", detected_at=rows.NOON + timedelta(seconds=1))
    await expect(page.locator("#mismatch-new-0")).to_be_visible(timeout=WITHIN_MS)
    await expect(page.locator("#announce")).to_have_text("One new mismatch")
    await page.evaluate("document.querySelector('#mismatch-list').scrollTop = 900")
    target = page.locator("#mismatch-old-20")
    await target.hover()
    before, under = await target.bounding_box(), await under_pointer(page)
    for number in range(1, 13):
        await rows.news(web, f"new-{number}", detected_at=rows.NOON + timedelta(seconds=number + 1))
    button = page.locator("#show-new")
    await expect(button).to_have_text("Show 12 new", timeout=WITHIN_MS)
    await rows.news(web, "old-20", "resolved", 2, status="auto_resolved", payment_id="pay-20")
    await expect(target).to_have_class("left", timeout=WITHIN_MS)  # it no longer fits, and stays
    assert await target.bounding_box() == before
    assert await under_pointer(page) == under
    assert await page.evaluate("document.querySelector('#mismatch-list').scrollTop") == 900
    await button.click()
    assert (await ids(page))[:2] == ["new-12", "new-11"]
    await expect(page.locator("#mismatch-new-12")).to_be_in_viewport()


async def under_pointer(page: Page) -> str:
    found: str = await page.evaluate(
        "[...document.querySelectorAll('#mismatches tr:hover')].map(r => r.id).join()"
    )
    return found


async def test_everything_works_from_the_keyboard(page: Page) -> None:
    for key in "jjjk":
        await page.keyboard.press(key)
    current = page.locator("#mismatches tr.current")
    await expect(current).to_have_attribute("id", "mismatch-old-01")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    # 12001 to 12345 and 12002 to 12345: two differences, in one currency
    await expect(page.locator("#selected")).to_have_text("2 selected, difference −6.93 EUR")
    await page.keyboard.press("Enter")
    panel = page.locator("#panel")
    await expect(panel.locator("#detail")).to_have_attribute("data-id", "old-02", timeout=WITHIN_MS)
    assert page.url.endswith("#old-02")
    await page.keyboard.press("j")
    await expect(panel.locator("#detail")).to_have_attribute("data-id", "old-03", timeout=WITHIN_MS)
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(current).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#selection")).to_be_hidden()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.keyboard.press("/")
    await expect(page.locator("#q")).to_be_focused()
    await page.keyboard.type("jx")
    await expect(page.locator("#q")).to_have_value("jx")


async def test_the_panel_shows_both_sides_beside_each_other_and_follows_the_news(
    page: Page, web: Web
) -> None:
    await page.locator("#mismatch-old-00 a").click()
    differing = page.locator("#panel .compare tr.differs")
    await expect(differing).to_have_count(1, timeout=WITHIN_MS)
    await expect(differing).to_contain_text("Gross")
    expected, actual = await differing.locator("td").all()
    left, right = await expected.bounding_box(), await actual.bounding_box()
    assert left is not None
    assert right is not None
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]
    await expect(page.locator("#panel .timeline li")).to_have_count(4)
    await expect(page.locator("#panel")).to_contain_text("another currency")
    await rows.news(
        web,
        "old-00",
        "resolved",
        2,
        status="auto_resolved",
        explanation=json.dumps({**PAIR, "resolution": "it came"}),
    )
    await expect(page.locator("#panel")).to_contain_text("it came", timeout=WITHIN_MS)
    await page.go_back()
    await expect(page.locator("#panel")).to_be_hidden()
    await page.go_forward()
    await expect(page.locator("#panel #detail")).to_have_attribute("data-id", "old-00", timeout=WITHIN_MS)
    await page.reload()
    await expect(page.locator("#panel #detail")).to_have_attribute("data-id", "old-00", timeout=WITHIN_MS)


async def test_the_export_has_all_rows_of_the_filter(page: Page, web: Web) -> None:
    await page.get_by_role("link", name="Late 20").click()
    await settled(page, 20)
    async with page.expect_download() as started:
        await page.click("#export")
    download = await started.value
    assert download.suggested_filename.endswith(".csv")
    text = (await download.path()).read_text("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in found] == await ids(page)
    assert {row["category"] for row in found} == {"LATE"}


async def test_more_rows_than_a_page_come_when_asked_for(page: Page, web: Web) -> None:
    for number in range(60):
        await rows.mismatch(web.pool, f"z{number}", detected_at=rows.NOON - timedelta(days=1, seconds=number))
    await page.reload()
    await live(page)
    await settled(page, 100)
    await page.locator("#more a").click()
    await settled(page, 120)
    assert len(set(await ids(page))) == 120
    await expect(page.locator("#more a")).to_have_count(0)


async def test_it_reads_without_a_script(browser: Browser, web: Web) -> None:
    await rows.mismatch(web.pool, "one")
    await rows.mismatch(web.pool, "two", severity="HIGH", explanation=json.dumps(PAIR))
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(str(web.client.make_url("/mismatches")))
    await page.get_by_role("link", name="High 1").click()
    await expect(page.locator("#mismatches tr")).to_have_count(1)
    await page.locator("#mismatch-two a").click()
    await expect(page.locator(".compare tr.differs")).to_contain_text("Gross")
    await context.close()


async def test_a_gap_is_filled_by_listing_again(page: Page, web: Web) -> None:
    """The log lost what the page has not seen yet: it is told, and asks the database."""
    stream = "**/mismatches/live*"
    await page.route(stream, lambda route: route.abort())
    clients = web.client.app[DEPS].feed.boxes
    for box in list(clients._boxes):
        clients._close(box)
    await expect(page.locator("#pulse")).to_have_attribute("data-state", "waiting", timeout=WITHIN_MS)
    await rows.mismatch(web.pool, "unheard", detected_at=rows.NOON + timedelta(seconds=1))
    await rows.news(web, "heard", detected_at=rows.NOON + timedelta(seconds=2))
    web.tail.cut()
    await page.unroute(stream)
    await live(page)
    await expect(page.locator("#mismatch-unheard")).to_be_visible(timeout=WITHIN_MS)
    assert (await ids(page))[:2] == ["heard", "unheard"]
