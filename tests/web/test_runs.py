"""Runs and schedules over HTTP: asked for once, reported, listed, exported; pages with forms."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.runs import Run, Schedule
from app.store.runs import find_run, find_schedule
from tests.support.runs_world import RunsWorld
from tests.web import rows
from tests.web.conftest import Web
from web.ingress import Ingress

Headers = dict[str, str]


@pytest.fixture
def world(pool: Any) -> RunsWorld:
    return RunsWorld(pool)


@pytest.fixture
def ingress(world: RunsWorld) -> Ingress:
    return Ingress(publish=world.take)


@pytest.fixture
async def analyst(web: Web) -> Headers:
    return await web.key("analyst")


@pytest.fixture
async def lead(web: Web) -> Headers:
    return await web.key("lead")


async def send(
    web: Web, method: str, path: str, headers: Headers, body: Any, key: str = "k-1"
) -> tuple[int, Any]:
    async with web.client.request(
        method, path, json=body, headers={**headers, "Idempotency-Key": key}
    ) as response:
        return response.status, await response.json(content_type=None)


async def test_a_run_is_made_once_per_key_and_its_report_is_there(
    web: Web, analyst: Headers, pool: Any
) -> None:
    await rows.mismatch(pool, "mm_1", expected_amount=12345, actual_amount=12000)
    status, made = await send(web, "POST", "/v1/reconciliations", analyst, {"source": "acq"})
    assert (status, made["status"]) == (201, "done"), made
    assert made["report"]["as_of"] == made["as_of"]
    again, same = await send(web, "POST", "/v1/reconciliations", analyst, {"source": "acq"})
    assert (again, same["id"]) == (200, made["id"])
    conflict, problem = await send(web, "POST", "/v1/reconciliations", analyst, {"source": "other"})
    assert (conflict, problem["code"]) == (409, "idempotency_conflict")
    assert (await web.get("/v1/reconciliations", analyst))[1]["items"][0]["report"] is None
    assert (await web.get(f"/v1/reconciliations/{made['id']}", analyst))[1] == made


async def test_the_report_counts_what_is_open_and_says_what_changed(
    web: Web, analyst: Headers, pool: Any
) -> None:
    await rows.mismatch(pool, "mm_1", expected_amount=12345, actual_amount=12000)
    _, first = await send(web, "POST", "/v1/reconciliations", analyst, {}, "k-1")
    (group,) = first["report"]["open"]
    assert (group["count"], group["at_stake"], group["currency"]) == (1, 345, "EUR")
    assert [one["id"] for one in first["report"]["largest"]] == ["mm_1"]
    assert first["report"]["changes"] == {}
    await rows.mismatch(pool, "mm_2", expected_amount=5000, actual_amount=None)
    await pool.execute(
        """UPDATE mismatches SET status = 'resolved',
           state = jsonb_build_object('opened_at', $1::text, 'closed_at', $2::text)::json
            WHERE id = 'mm_1'""",
        "2026-11-01T00:00:00Z", (datetime.now(UTC) + timedelta(seconds=1)).isoformat(),
    )  # fmt: skip
    await pool.execute("UPDATE mismatches SET detected_at = now() + interval '1 second' WHERE id = 'mm_2'")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    _, second = await send(web, "POST", "/v1/reconciliations", analyst, {"as_of": tomorrow}, "k-2")
    changes = second["report"]["changes"]
    assert (changes["since_run_id"], changes["opened_ids"], changes["resolved_ids"]) == (
        first["id"], ["mm_2"], ["mm_1"],
    )  # fmt: skip


async def test_the_report_as_files(web: Web, analyst: Headers, pool: Any) -> None:
    await rows.mismatch(pool, "mm_1", expected_amount=12345, actual_amount=12000)
    _, run = await send(web, "POST", "/v1/reconciliations", analyst, {})
    base = f"/v1/reconciliations/{run['id']}/report"
    async with web.client.get(f"{base}.csv", headers=analyst) as response:
        table = list(csv.reader(io.StringIO((await response.text()).lstrip("\ufeff"))))
    assert ["Open", "AMOUNT_UNDER", "LOW"] in [row[:3] for row in table]
    assert "3.45" in next(row for row in table if row[:2] == ["Open", "AMOUNT_UNDER"])
    async with web.client.get(f"{base}.xlsx", headers=analyst) as response:
        book = zipfile.ZipFile(io.BytesIO(await response.read()))
    assert "xl/worksheets/sheet6.xml" in book.namelist()
    assert (await web.get(f"{base}.json", analyst))[1]["id"] == run["id"]
    assert (await web.get("/v1/reconciliations/nobody/report.json", analyst))[0] == 404


async def test_a_run_that_is_under_way_is_answered_as_such(
    web: Web, analyst: Headers, world: RunsWorld
) -> None:
    world.makes_reports = False
    status, run = await send(
        web, "POST", "/v1/reconciliations", analyst | {"Prefer": "respond-async"}, {"merchant_id": "m-1"}
    )
    assert (status, run["status"], run["report"]) == (202, "requested", None)
    kept: Run | None = await find_run(world.pool, run["id"])
    assert kept is not None
    assert kept.scope.merchant_id == "m-1"


async def test_only_those_who_may_start_runs_and_change_schedules(
    web: Web, viewer: Headers, analyst: Headers, acme: Headers
) -> None:
    assert (await send(web, "POST", "/v1/reconciliations", viewer, {}))[0] == 403
    assert (await send(web, "POST", "/v1/reconciliations", acme, {}))[0] == 403
    assert (await send(web, "PUT", "/v1/schedules/daily", analyst, {}))[0] == 403
    assert (await web.get("/v1/reconciliations", acme))[0] == 403


async def test_a_schedule_is_made_shown_changed_and_deleted(web: Web, lead: Headers, pool: Any) -> None:
    body = {
        "name": "Every morning",
        "scope": {"source": "acq"},
        "timing": {"kind": "daily", "at": "06:30", "business_days": True},
        "calendar": {"time_zone": "Europe/Berlin", "cut_off": "18:00", "holidays": ["2026-12-25"]},
    }
    status, made = await send(web, "PUT", "/v1/schedules/daily", lead, body)
    assert (status, made["timing"]["at"], len(made["next_times"])) == (201, "06:30", 5)
    assert made["effective_calendar"]["time_zone"] == "Europe/Berlin"
    status, changed = await send(web, "PUT", "/v1/schedules/daily", lead, {**body, "enabled": False}, "k-2")
    assert (status, changed["next_times"]) == (200, [])
    assert [one["id"] for one in (await web.get("/v1/schedules", lead))[1]["items"]] == ["daily"]
    assert (await send(web, "DELETE", "/v1/schedules/daily", lead, {}, "k-3"))[1]["done"] is True
    assert (await web.get("/v1/schedules/daily", lead))[0] == 404
    assert await find_schedule(pool, "daily") is None
    again, _ = await send(web, "PUT", "/v1/schedules/daily", lead, body, "k-4")
    assert again == 201


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"timing": {"kind": "cron"}}, "timing"),
        ({"timing": {"kind": "cron", "cron": "61 * * * *"}}, "timing"),
        ({"calendar": {"time_zone": "Mars/Base"}}, "calendar"),
        ({"timing": {"at": "6 o'clock"}}, "timing.at"),
        ({"covers": "year"}, "covers"),
    ],
)
async def test_a_wrong_schedule_is_refused_by_name(web: Web, lead: Headers, body: Any, name: str) -> None:
    status, problem = await send(web, "PUT", "/v1/schedules/daily", lead, body)
    assert (status, problem["errors"][0]["parameter"]) == (422, name), problem


async def test_a_schedule_that_is_due_starts_one_run(web: Web, lead: Headers, world: RunsWorld) -> None:
    await send(web, "PUT", "/v1/schedules/daily", lead, {"timing": {"at": "06:00"}})
    schedule: Schedule | None = await find_schedule(world.pool, "daily")
    assert schedule is not None
    assert schedule.next_at is not None
    assert await world.fire(schedule.next_at) == 1
    assert await world.fire(schedule.next_at) == 0
    items = (await web.get("/v1/reconciliations?schedule_id=daily", lead))[1]["items"]
    assert [(one["id"], one["status"], one["by"]) for one in items] == [
        (f"daily@{schedule.next_at:%Y%m%dT%H%MZ}", "done", "schedule:daily")
    ]


async def test_pages_show_runs_and_take_forms(web: Web, pool: Any) -> None:
    """On loopback whoever looks is a viewer: no forms; a key by Basic may post with the page's token."""
    await rows.mismatch(pool, "mm_1", expected_amount=12345, actual_amount=12000)
    async with web.client.get("/runs") as response:
        text = await response.text()
    assert "No run so far" in text
    assert "<form" not in text.split("<main", 1)[1]
    lead = await web.key("lead")
    made = (await send(web, "POST", "/v1/reconciliations", lead, {}))[1]
    for path in ("/runs", f"/runs/{made['id']}", "/schedules", "/trial-balance"):
        async with web.client.get(path) as response:
            assert response.status == 200, path
            assert "Traceback" not in await response.text()
    async with web.client.post(
        "/runs", data={"source": "acq", "key": "1"}, headers=lead, allow_redirects=False
    ) as posted:
        assert posted.status == 303
        location = posted.headers["Location"]
    async with web.client.get(location) as response:
        page = await response.text()
    assert re.search(r"Source acq", page)
    async with web.client.post(
        "/schedules",
        data={"id": "daily", "kind": "daily", "at": "06:00", "covers": "day", "enabled": "on", "key": "1"},
        headers=lead,
        allow_redirects=False,
    ) as posted:
        assert posted.status == 303, await posted.text()
    async with web.client.get("/schedules") as response:
        assert "Daily at 06:00" in await response.text()


async def test_the_list_as_of_a_day_and_as_it_was_known(web: Web, viewer: Headers, pool: Any) -> None:
    """mm_1 was open from 1 to 5 November, mm_2 is of a fact of the 10th and open since the 12th."""
    await rows.mismatch(
        pool, "mm_1", status="auto_resolved", detected_at=datetime(2026, 11, 1, tzinfo=UTC),
        state='{"opened_at": "2026-11-01T00:00:00Z", "closed_at": "2026-11-05T00:00:00Z"}',
    )  # fmt: skip
    fact = {"inputs": {"lines": [{"booked_on": "2026-11-10"}]}}
    await rows.mismatch(
        pool, "mm_2", detected_at=datetime(2026, 11, 12, tzinfo=UTC), explanation=json.dumps(fact)
    )

    async def listed(**query: str) -> list[str]:
        async with web.client.get("/v1/mismatches", params=query, headers=viewer) as response:
            assert response.status == 200, await response.text()
            return [one["id"] for one in (await response.json())["items"]]

    assert await listed(known_at="2026-11-03T00:00:00Z") == ["mm_1"]
    assert await listed(known_at="2026-11-06T00:00:00Z") == []
    assert await listed(known_at="2026-11-13T00:00:00Z") == ["mm_2"]
    assert await listed(as_of="2026-11-09") == []
    assert await listed(as_of="2026-11-10") == ["mm_2"]
    assert await listed(as_of="2026-11-10", known_at="2026-11-11T00:00:00Z") == []
    assert (await web.get("/v1/mismatches?as_of=2026-11-10&open=true", viewer))[0] == 422
