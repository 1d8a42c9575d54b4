"""The CSV export: every row of the filter, numbers as numbers, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from app.store import web_mismatches
from tests.web import rows
from tests.web.conftest import Web
from web import export

HOSTILE = (
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '"quoted", with comma', "new\nline",
    "'text",
)  # fmt: skip


async def exported(web: Web, query: str = "") -> list[dict[str, str]]:
    async with web.client.get(f"/mismatches.csv{query}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"].startswith('attachment; filename="mismatches-')
        body = await response.read()
    assert body.startswith(b"\xef\xbb\xbf")
    assert body.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


async def test_all_pages_of_a_filter_are_there_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_mismatches, "EXPORT_ROWS", 3)
    for number in range(10):
        await rows.mismatch(
            web.pool,
            f"m{number}",
            status="open" if number else "auto_resolved",
            detected_at=rows.NOON + timedelta(seconds=number // 4),
        )
    assert [row["id"] for row in await exported(web)] == [f"m{number}" for number in range(9, 0, -1)]
    assert [row["id"] for row in await exported(web, "?show=closed")] == ["m0"]
    assert len(await exported(web, "?show=all&sort=amount")) == 10
    assert await exported(web, "?q=nothing") == []


async def test_amounts_are_plain_numbers_in_their_currency(web: Web) -> None:
    for currency, expected, actual in (("EUR", 123456789, 5), ("JPY", 80, None), ("KWD", -1500, 1)):
        await rows.mismatch(
            web.pool, currency, currency=currency, expected_amount=expected, actual_amount=actual
        )
    found = {row["id"]: row for row in await exported(web)}
    figures = {
        name: (row["expected"], row["actual"], row["difference"], row["currency"])
        for name, row in found.items()
    }
    assert figures == {
        "EUR": ("1234567.89", "0.05", "-1234567.84", "EUR"),
        "JPY": ("80", "", "", "JPY"),
        "KWD": ("-1.500", "0.001", "1.501", "KWD"),
    }
    assert found["EUR"]["detected_at"] == "2026-11-20T12:00:00.000000Z"


async def test_no_cell_is_a_formula(web: Web) -> None:
    for number, text in enumerate(HOSTILE):
        await rows.mismatch(
            web.pool, f"m{number}", merchant_id=text, payment_id=text, batch_id=text, psp=text
        )
    found = {row["id"]: row for row in await exported(web)}
    for number, text in enumerate(HOSTILE):
        cell = found[f"m{number}"]["merchant_id"]
        assert cell == (f"'{text}" if text[0] in "=+-@\t\r" else text)
    texts = [value for row in found.values() for name, value in row.items() if name != "difference"]
    assert not any(value.startswith(export.FORMULA) for value in texts)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("show=some", "show"), ("category=X", "category"), ("limit=5", "limit"), ("sort=-amount", "sort"),
        ("amount_from=a", "amount_from"), ("q=%00", "q"), ("open=1&status=open", "open"),
        ("since=2026-13-01", "since"), ("sort=", "sort"), ("currency=eur", "currency"),
        ("max_age_hours=-1", "max_age_hours"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/mismatches.csv", "/mismatches", "/mismatches/live"])
async def test_wrong_inputs(web: Web, path: str, query: str, parameter: str) -> None:
    status, problem = await web.get(f"{path}?{query}")
    assert (status, problem["code"]) == (422, "invalid_parameter")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


async def test_exports_do_not_use_up_the_database(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_EXPORTS", 0)
    status, problem = await web.get("/mismatches.csv")
    assert (status, problem["code"]) == (503, "too_many_streams")


async def test_a_database_that_is_away_is_said_and_not_an_empty_file(web: Web) -> None:
    await web.pool.execute("ALTER TABLE mismatches RENAME TO hidden")
    status, problem = await web.get("/mismatches.csv")
    assert (status, problem["code"]) == (503, "database_unavailable")
    again: Any = await web.pool.execute("ALTER TABLE hidden RENAME TO mismatches")
    assert again
    assert await exported(web) == []
