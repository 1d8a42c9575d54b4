"""Every page, signed in, light and dark, wide and narrow: axe finds nothing serious.

The pages come from the table of routes: a new one is looked at by itself, and one with a placeholder in its
address has to name an example here, or say that it has none.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from tests.web import rows
from tests.web.authorisation import fill
from tests.web.browsers import needs_browser
from tests.web.signing_in import Staff, staff
from web.call import Access
from web.routes import RAW

pytestmark = [*needs_browser, pytest.mark.slow]

EXAMPLES: Final = {
    "/mismatches/{id}": "/mismatches/mm-own",
    "/payments/{id}": "/payments/pay-own?merchant_id=m-1",
    "/payouts/{id}": "/payouts/po-own?merchant_id=m-1",
}
WITHOUT: Final = frozenset(
    {"/files/{sha256}", "/runs/{id}", "/batches/{source}/{id}", "/bank-lines/{account}/{id}"}
)
"""Pages that need documents of a lane: not looked at here."""
OPEN: Final = ("/login", "/login?out=1", "/login/callback", "/checkout/none")
SERIOUS: Final = frozenset({"serious", "critical"})
PICTURES: Final = os.environ.get("TALLYSTICK_TEST_PICTURES", "")
"""A folder for pictures of every page, for somebody who wants to look at them."""


class Look(NamedTuple):
    name: str
    scheme: Any
    width: int


LOOKS: Final = (Look("light", "light", 1280), Look("dark", "dark", 1280), Look("phone", "light", 390))


def pages() -> dict[str, str]:
    """Route -> the address to open."""
    found = {}
    for route in RAW:
        if route.access is not Access.PAGES or route.method != "GET" or route.content_type != "text/html":
            continue
        if "{" not in route.path:
            found[route.path] = route.path
        elif route.path in EXAMPLES:
            found[route.path] = EXAMPLES[route.path]
    return found


@pytest.fixture
async def desk(pool: Any) -> AsyncIterator[Staff]:
    await fill(pool)
    await rows.positions(pool)
    async with staff(pool) as desk:
        yield desk


async def signed_in(browser: Browser, desk: Staff, look: Look) -> BrowserContext:
    context = await browser.new_context(
        color_scheme=look.scheme, viewport={"width": look.width, "height": 800}
    )
    page = await context.new_page()
    await page.goto(f"{desk.url}/")
    await page.get_by_role("link", name="Sign in").click()
    await page.get_by_role("link", name="Lead").click()
    await page.wait_for_url(f"{desk.url}/")
    await page.close()
    return context


async def serious(page: Page, url: str, picture: str) -> list[str]:
    """What axe has against a page, in words."""
    await page.goto(url, wait_until="load")
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{picture}.png", full_page=True)
    found = (await Axe().run(page)).response["violations"]
    return [
        f"{page.url}: {one['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def test_every_page_is_looked_at_or_named() -> None:
    with_places = {route.path for route in RAW if route.access is Access.PAGES and "{" in route.path}
    with_places = {path for path in with_places if "." not in path and not path.endswith("/actions")}
    assert with_places == set(EXAMPLES) | WITHOUT


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
async def test_nothing_serious(browser: Browser, desk: Staff, look: Look) -> None:
    context, found = await signed_in(browser, desk, look), list[str]()
    page = await context.new_page()
    for route, address in pages().items():
        name = route.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "home"
        found += await serious(page, desk.url + address, f"{name}-{look.name}")
    await context.clear_cookies()
    for number, address in enumerate(OPEN):
        found += await serious(page, desk.url + address, f"open-{number}-{look.name}")
    await context.close()
    assert not found, "\n".join(found)
