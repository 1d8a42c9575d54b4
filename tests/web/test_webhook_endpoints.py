"""`/v1/webhook_endpoints`: who sees what, what is wrong by itself, pages of the log, and replays as records.

What needs the lane is in `tests/effects/test_webhook_api.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.contracts.codec import decode
from app.domain.effects import EffectRedrive, EffectStatus
from app.domain.streams import EFFECTS_REQUESTS
from app.errors import Transient
from app.kafka.outgoing import Outgoing
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.rows import delivery, webhook_endpoint
from tests.web.tail import FakeTail
from web.application import build
from web.ingress import Ingress
from web.keys import KeyHasher

ROOT = "/v1/webhook_endpoints"
HERE = f"{ROOT}/we_1"
TARGET = b"webhook:m-1/we_1"
LANE_STATUS: Final[dict[str, EffectStatus]] = {"pending": "waiting", "delivered": "done", "failed": "dead"}


class Log:
    """Where replays go. `failing`: the broker is away."""

    def __init__(self) -> None:
        self.records: list[EffectRedrive] = []
        self.failing = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        if self.failing:
            raise Transient("no broker")
        for record in records:
            assert (record.topic, record.key) == (EFFECTS_REQUESTS, TARGET)
            self.records.append(decode(EFFECTS_REQUESTS, record.value))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def web(pool: Any, ends: FakeEnds, tail: FakeTail, log: Log) -> AsyncIterator[Web]:
    hasher, ingress = KeyHasher([SECRET]), Ingress(publish=log.publish)
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, ingress=ingress)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


@pytest.fixture
async def known(pool: Any) -> None:
    await webhook_endpoint(pool)


async def post(web: Web, path: str, key: dict[str, str], body: Any, idempotency: str = "k-1") -> Any:
    headers = {**key, "Idempotency-Key": idempotency}
    async with web.client.post(path, json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.usefixtures("known")
async def test_a_merchant_sees_its_own_and_staff_names_whose(web: Web, acme: dict[str, str]) -> None:
    other, staff = await web.key("merchant", "m-2"), await web.key("viewer")
    status, own = await web.get(HERE, acme)
    assert (status, own["id"], own["status"], own["secret"]) == (200, "we_1", "enabled", None)
    assert (await web.get(HERE, other))[0] == 404
    assert (await web.get(f"{HERE}/deliveries", other))[0] == 404
    assert (await web.get(ROOT, other)) == (200, {"items": []})
    assert (await web.get(f"{ROOT}?merchant_id=m-1", other))[0] == 403
    status, problem = await web.get(ROOT, staff)
    assert (status, problem["errors"][0]["parameter"]) == (422, "merchant_id")
    assert [one["id"] for one in (await web.get(f"{ROOT}?merchant_id=m-1", staff))[1]["items"]] == ["we_1"]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("path", ["", "/rotate", "/disable", "/replay", "/deliveries/ev-1/replay"])
async def test_nobody_changes_what_is_anothers(web: Web, path: str) -> None:
    body = {"since": "2026-01-01T00:00:00Z"} if path == "/replay" else {}
    other, staff = await web.key("merchant", "m-2"), await web.key("viewer")
    assert (await post(web, HERE + path, other, body))[0] == 404
    assert (await post(web, HERE + path, staff, body))[0] == 403
    assert (await post(web, HERE + path, {}, body))[0] == 401


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "url"),
        ({"url": "ftp://m.example/"}, "url"),
        ({"url": "https://m.example/", "events": []}, "events"),
        ({"url": "https://m.example/", "events": ["Payment captured"]}, "events[0]"),
        ({"url": "https://m.example/", "secret": "mine"}, "secret"),
        ({"url": 7}, "url"),
    ],
)
async def test_a_body_that_is_wrong_names_the_field(
    web: Web, acme: dict[str, str], body: Any, parameter: str
) -> None:
    status, problem = await post(web, ROOT, acme, body)
    assert (status, [error["parameter"] for error in problem["errors"]]) == (422, [parameter])


async def test_without_an_idempotency_key_nothing_is_made(web: Web, acme: dict[str, str]) -> None:
    async with web.client.post(ROOT, json={"url": "https://m.example/"}, headers=acme) as response:
        assert response.status == 422


@pytest.mark.usefixtures("known")
async def test_pages_of_the_log_go_back_in_time_and_keep_their_filter(
    web: Web, pool: Any, acme: dict[str, str]
) -> None:
    for number in range(1, 8):
        await delivery(pool, number, "dead" if number % 2 else "done")
    await delivery(pool, 9, "dead", target="webhook:m-1/we_2")
    seen, cursor = [], ""
    while True:
        _, page = await web.get(f"{HERE}/deliveries?status=failed&limit=3{cursor}", acme)
        seen += [one["event_id"] for one in page["items"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["ev-7", "ev-5", "ev-3", "ev-1"]
    assert page["next_cursor"] is None
    status, _ = await web.get(f"{HERE}/deliveries?cursor=nonsense", acme)
    assert status == 422


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("status", LANE_STATUS)
async def test_each_status_is_found_by_its_name(
    web: Web, pool: Any, acme: dict[str, str], status: str
) -> None:
    for number, kept in enumerate(LANE_STATUS.values(), 1):
        await delivery(pool, number, kept)
    _, page = await web.get(f"{HERE}/deliveries?status={status}", acme)
    assert [one["status"] for one in page["items"]] == [status]
    _, one = await web.get(f"{HERE}/deliveries/{page['items'][0]['event_id']}", acme)
    assert one["body"] == f'{{"id":"{one["event_id"]}"}}'


@pytest.mark.usefixtures("known")
async def test_a_replay_of_a_time_takes_what_failed_then_and_a_repeat_is_the_same_records(
    web: Web, pool: Any, log: Log, acme: dict[str, str]
) -> None:
    for number in range(1, 7):
        await delivery(pool, number, "done" if number == 3 else "dead")
    times = {"since": "2026-11-20T12:02:00Z", "until": "2026-11-20T12:06:00Z"}
    for _ in range(2):
        status, answer = await post(web, f"{HERE}/replay", acme, times)
        assert (status, answer) == (202, {"count": 3, "has_more": False})
    assert [record.effect_id for record in log.records[:3]] == ["ev-2/we_1", "ev-4/we_1", "ev-5/we_1"]
    assert log.records[3:] == log.records[:3]
    await post(web, f"{HERE}/replay", acme, times, idempotency="k-2")
    assert {record.id for record in log.records[6:]}.isdisjoint({record.id for record in log.records[:6]})
    status, problem = await post(
        web, f"{HERE}/replay", acme, {"since": times["until"], "until": times["since"]}
    )
    assert (status, problem["errors"][0]["parameter"]) == (422, "until")


@pytest.mark.usefixtures("known")
async def test_a_replay_that_the_log_does_not_take_is_said_so(
    web: Web, pool: Any, log: Log, acme: dict[str, str]
) -> None:
    await delivery(pool, 1, "dead")
    log.failing = True
    status, problem = await post(web, f"{HERE}/deliveries/ev-1/replay", acme, None)
    assert (status, problem["code"]) == (503, "kafka_unavailable")
    log.failing = False
    assert (await post(web, f"{HERE}/deliveries/ev-1/replay", acme, None))[0] == 202
    assert (await post(web, f"{HERE}/deliveries/ev-2/replay", acme, None))[0] == 404
    assert [(record.effect_id, record.by) for record in log.records] == [("ev-1/we_1", "m-1")]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("since", "expected"),
    [("0001-01-01T00:00:00+23:59", 422), ("0001-01-01T00:00:00Z", 202), ("9999-12-31T23:59:59-23:59", 422)],
)
async def test_a_time_at_the_calendars_ends(
    web: Web, acme: dict[str, str], since: str, expected: int
) -> None:
    assert (await post(web, f"{HERE}/replay", acme, {"since": since}))[0] == expected
    async with web.client.get("/v1/payments", params={"since": since}, headers=acme) as response:
        assert response.status == (422 if expected == 422 else 200)
