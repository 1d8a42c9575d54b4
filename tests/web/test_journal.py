"""The journal over HTTP where there is nothing to export, or nothing to be understood."""

from __future__ import annotations

import pytest

from tests.web.conftest import Web

PATH = "/v1/ledger/journal.csv"


async def test_a_month_without_postings_is_a_header_alone(web: Web) -> None:
    headers = await web.key("admin")
    async with web.client.get(PATH, params={"period": "2020-01"}, headers=headers) as answer:
        assert answer.status == 200
        assert len((await answer.text()).splitlines()) == 1


@pytest.mark.parametrize("period", ["2020-13", "2020-01-32", "january", "", "null"])
async def test_a_wrong_period_is_named(web: Web, period: str) -> None:
    status, problem = await web.get(f"{PATH}?period={period}", await web.key("admin"))
    assert (status, problem["code"]) == (422, "invalid_parameter")
    assert "period" in problem["detail"]
