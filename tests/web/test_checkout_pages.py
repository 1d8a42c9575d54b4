"""The payer's pages at their edges: a link that is none, names that are too long. The walk: tests/api."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.web.browsers import needs_browser
from tests.web.conftest import Web
from web import render

STATIC = Path(render.__file__).parent / "static"


@pytest.mark.parametrize("path", ["/checkout/bS0x.cC0x.abc", "/checkout/x/return", "/checkout/%00"])
async def test_a_payer_with_a_broken_link_reads_a_page(web: Web, path: str) -> None:
    async with web.client.get(path) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert "does not lead to a payment" in await answer.text()


async def test_its_status_is_a_problem_document(web: Web) -> None:
    status, problem = await web.get("/checkout/bS0x.cC0x.abc/status")
    assert (status, problem["code"]) == (404, "not_found")


@needs_browser[0]
@needs_browser[1]
@pytest.mark.parametrize("stage", ["open", "paid"])
async def test_nothing_long_leaves_a_small_screen(browser: Browser, stage: str) -> None:
    text = render.page(
        "checkout.html",
        token="t",
        came_back=False,
        stage=stage,
        merchant="Donaudampfschifffahrtsgesellschaft & " + "Söhne" * 30,
        amount=10**15,
        currency="JPY",
        description="x" * 200,
        psp_url="https://psp.test/",
        return_url="https://shop.test/",
    )
    page = await browser.new_page(viewport={"width": 320, "height": 640})
    await page.set_content(text)
    for name in ("tallystick.css", "checkout.css"):
        await page.add_style_tag(content=(STATIC / name).read_text("utf-8"))
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
