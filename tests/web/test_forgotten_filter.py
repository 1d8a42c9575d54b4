"""Handlers that forget whose rows they may show still show a merchant its own: the database sees to it."""

from __future__ import annotations

import sys

import pytest

from tests.web.authorisation import OBJECTS, expected, fill
from tests.web.conftest import Web
from tests.web.test_authorisation import PLACE
from web.call import MERCHANT, Principal

LISTS = {
    path
    for (method, path), let_in in expected().items()
    if method == "GET" and MERCHANT in let_in and not PLACE.search(path) and not path.endswith("/stream")
}


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check of ours in the handlers is gone: a merchant's call is treated as if staff had made it."""
    monkeypatch.setattr(Principal, "is_staff", property(lambda self: True))
    monkeypatch.setattr(Principal, "may_see", lambda self, merchant_id: True)
    for name, module in list(sys.modules.items()):
        if name.startswith("web.") and hasattr(module, "own_merchant"):
            monkeypatch.setattr(module, "own_merchant", lambda principal, wanted: wanted)


@pytest.mark.usefixtures("forgetful")
async def test_lists_hold_own_rows_only(web: Web, acme: dict[str, str]) -> None:
    await fill(web.pool)
    assert len(LISTS) >= 7
    for path in LISTS - {"/v1/webhook_endpoints"}:  # of one merchant, whom staff has to name
        for query in ("", "?merchant_id=m-foreign"):
            status, page = await web.get(path + query, acme)
            assert status == 200, (path, page)
            assert "foreign" not in str(page), path
            assert bool(page["items"]) == (not query and path != "/v1/refunds"), path  # none was booked
    status, page = await web.get("/v1/webhook_endpoints?merchant_id=m-foreign", acme)
    assert (status, page["items"]) == (200, [])


@pytest.mark.usefixtures("forgetful")
async def test_single_ones_of_others_are_not_there(web: Web, acme: dict[str, str]) -> None:
    await fill(web.pool)
    for path, ids in OBJECTS.items():
        for query in ("", "?merchant_id=m-foreign"):
            filled = PLACE.sub(lambda found, ids=ids: ids.foreign[found[1]], path)  # type: ignore[misc]
            status, answer = await web.get(filled + query, acme)
            assert status in (404, 422), (filled, query, answer)


@pytest.mark.usefixtures("forgetful")
async def test_without_the_policies_it_would_show(web: Web, acme: dict[str, str]) -> None:
    """The test of these tests: where the database does not hold it, such a handler shows everything."""
    await fill(web.pool)
    await web.pool.execute("ALTER TABLE payments DISABLE ROW LEVEL SECURITY")
    _, page = await web.get("/v1/payments", acme)
    assert "pay-foreign" in str(page)
