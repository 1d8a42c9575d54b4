"""What people were told, as staff read it: the list, one alert, and the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
from playwright.async_api import Browser

from app.domain.alert import Alert, AlertKey, Told
from tests.web.browsers import WORST_CONTRAST, needs_browser
from tests.web.conftest import Web

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
EFFECT = """
INSERT INTO effects (target, id, partition, "offset", kind, object, seq, status, attempts, reason, created_at,
                     deadline_at, state, version)
VALUES ($1, $2, 0, 1, 'alert.slack', '', 0, $3, $4, $5, $6, $6, '{}', 1)"""


def alert(number: int, **fields: Any) -> Alert:
    key = fields.pop("key", None) or AlertKey(
        kind="mismatches",
        severity="CRITICAL" if number % 2 else "HIGH",
        category="AMOUNT_UNDER",
        psp="stripe",
        merchant_id=f"<m-{number}>",
        scope="2026-11-20",
    )
    at = AT + timedelta(milliseconds=number + 1)
    told = Told(number=1, what="opened", at=at, opened=1, open=1, channels=("mail", "slack"))
    values: dict[str, Any] = {"opened": 1, "open": 1, "told": 1, "samples": ("mm_1",)}
    return Alert(
        id=f"al_{number}",
        key=key,
        number=1,
        began_at=at,
        told_at=at,
        messages=(told,),
        **{**values, **fields},
    )


async def keep(web: Web, *alerts: Alert) -> None:
    for one in alerts:
        await web.pool.execute(
            "INSERT INTO documents VALUES ('alert', 'stripe', $1, 'alerts.commands', 0, $2, 1)",
            one.id,
            msgspec.json.encode(one).decode(),
        )


async def test_the_list_goes_by_when_people_were_told_and_page_by_page(web: Web) -> None:
    await keep(web, *[alert(number) for number in range(5)])
    staff = await web.key("viewer")
    seen: list[str] = []
    path = "/v1/alerts?limit=2"
    while path:
        status, page = await web.get(path, staff)
        assert status == 200
        seen += [one["id"] for one in page["items"]]
        path = f"/v1/alerts?limit=2&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert seen == ["al_4", "al_3", "al_2", "al_1", "al_0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("severity=CRITICAL", ["al_3", "al_1"]),
        ("state=closed", ["al_2"]),
        ("state=open", ["al_3", "al_1", "al_0"]),
        ("kind=group", []),
    ],
)
async def test_filters(web: Web, query: str, found: list[str]) -> None:
    await keep(web, *[alert(number, closed=number == 2) for number in range(4)])
    _, page = await web.get(f"/v1/alerts?{query}", await web.key("viewer"))
    assert [one["id"] for one in page["items"]] == found


async def test_one_alert_says_who_took_each_message(web: Web) -> None:
    await keep(web, alert(1))
    for channel, became, reason in (("slack", "dead", "it answered 404"), ("mail", "done", None)):
        await web.pool.execute(EFFECT, f"alert:{channel}", f"al_1.1/{channel}", became, 2, reason, AT)
    status, one = await web.get("/v1/alerts/al_1", await web.key("operator"))
    assert status == 200
    (message,) = one["messages"]
    assert [(each["channel"], each["status"], each["reason"]) for each in message["deliveries"]] == [
        ("mail", "done", None),
        ("slack", "dead", "it answered 404"),
    ]
    status, problem = await web.get("/v1/alerts/al_none", await web.key("operator"))
    assert (status, problem["code"]) == (404, "not_found")


async def test_the_page_shows_it_and_reads_nothing_as_markup(web: Web) -> None:
    async with web.client.get("/alerts") as response:
        assert "Nobody was told of anything" in await response.text()
    await keep(web, alert(1))
    await web.pool.execute(EFFECT, "alert:slack", "al_1.1/slack", "dead", 9, "<b>404</b>", AT)
    async with web.client.get("/alerts?state=open") as response:
        page = await response.text()
    assert response.status == 200
    assert "given up" in page
    assert "&lt;m-1&gt;" in page
    assert "<b>404" not in page


@pytest.mark.browser
@needs_browser[1]
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_the_page_can_be_read_on_any_screen(
    browser: Browser, web: Web, scheme: Literal["light", "dark"], width: int
) -> None:
    group = AlertKey(kind="group", severity="CRITICAL", category="MISSING_SETTLEMENT", psp="adyen")
    condition = AlertKey(kind="condition", severity="HIGH", category="lag")
    await keep(web, *[alert(number, closed=number == 2) for number in range(4)])
    await keep(web, alert(7, key=group, opened=312, open=300), alert(8, key=condition, samples=()))
    await web.pool.execute(EFFECT, "alert:slack", "al_7.1/slack", "dead", 9, "given up after 9 attempts", AT)
    page = await browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    await page.goto(str(web.client.make_url("/alerts")))
    assert await page.evaluate(WORST_CONTRAST) >= 4.5
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.close()
