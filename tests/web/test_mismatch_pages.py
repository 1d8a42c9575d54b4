"""The page of a mismatch: who sees which forms, and what a form needs to be taken."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.contracts.workflow_samples import PROPOSAL
from tests.web import rows
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.tail import FakeTail
from tests.web.test_evidence import PAIR
from web.application import build
from web.keys import KeyHasher

BUTTONS = {
    "viewer": set(),
    "analyst": {"Comment"},
    "approver": {"Approve and post", "Reject", "Comment"},
    "operator": set(),
}


@pytest.fixture
async def closed(pool: Any, ends: FakeEnds, tail: FakeTail) -> AsyncIterator[Web]:
    """Not on loopback: pages need a key, as Basic's password. One mismatch awaits approval."""
    hasher = KeyHasher([SECRET])
    await rows.positions(pool)
    state = {"assignee": "key:4f2a", "proposal": msgspec.to_builtins(PROPOSAL), "audited": 3}
    explanation, kept = json.dumps(PAIR), json.dumps(state)
    await rows.mismatch(pool, "mm_1", status="pending_approval", state=kept, explanation=explanation)
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=False)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


def basic(headers: dict[str, str]) -> dict[str, str]:
    token = headers["Authorization"].removeprefix("Bearer ")
    return {"Authorization": "Basic " + b64encode(f"me:{token}".encode()).decode()}


async def page(web: Web, headers: dict[str, str]) -> str:
    async with web.client.get("/mismatches/mm_1", headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize("role", BUTTONS)
async def test_each_role_sees_what_it_may_do(closed: Web, role: str) -> None:
    text = await page(closed, basic(await closed.key(role)))
    work = text.partition('id="work"')[2].partition("</section>")[0]
    assert set(re.findall(r'<button[^>]*type="submit">([^<]+)</button>', work)) == BUTTONS[role]
    assert "Will be posted when it is approved" in work
    assert re.search(r"write_off.*3\.45", work, re.DOTALL)


async def test_a_form_needs_the_pages_token_and_keeps_what_went_wrong(closed: Web) -> None:
    headers = basic(await closed.key("approver"))
    here = str(closed.client.make_url("")).rstrip("/")
    fields = {"action": "approve", "key": "k-1"}
    url = "/mismatches/mm_1/actions"
    async with closed.client.post(url, data=fields, headers={**headers, "Origin": here}) as answer:
        assert answer.status == 403
    token = re.search(r'name="csrf_token" value="([^"]+)"', await page(closed, headers))
    assert token is not None
    fields["csrf_token"] = token[1]
    async with closed.client.post(
        url, data=fields, headers={**headers, "Origin": "https://evil.example"}
    ) as answer:
        assert answer.status == 403
    async with closed.client.post(url, data=fields, headers={**headers, "Origin": here}) as answer:
        text = await answer.text()
    assert (answer.status, "send it again, with the same key" in text) == (503, True)
    fields["action"] = "dance"
    async with closed.client.post(url, data=fields, headers={**headers, "Origin": here}) as answer:
        assert (answer.status, "Invalid enum value" in await answer.text()) == (422, True)
