"""Requests that are refused before anything is published, and the redrive that operators ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.contracts.codec import decode
from app.domain.streams import EFFECTS_REQUESTS
from app.kafka.outgoing import Outgoing
from tests.web import rows
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.lane import RowLane
from tests.web.tail import FakeTail
from web.application import build
from web.desk import Desk
from web.ingress import Ingress
from web.keys import KeyHasher

RIGHT = {"amount": 1050, "currency": "EUR"}
KEY = {"Idempotency-Key": "k"}


@pytest.fixture
def lane(pool: Any) -> RowLane:
    return RowLane(pool)


@pytest.fixture
def published() -> list[Outgoing]:
    return []


@pytest.fixture
async def web(
    pool: Any, ends: FakeEnds, tail: FakeTail, lane: RowLane, published: list[Outgoing]
) -> AsyncIterator[Web]:
    async def publish(records: Sequence[Outgoing]) -> None:
        published.extend(records)

    hasher = KeyHasher([SECRET])
    desk, ingress = Desk(pool, lane.publish_at, partitions=1), Ingress(publish=publish)
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, desk=desk, ingress=ingress)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


async def post(web: Web, path: str, headers: dict[str, str], **sent: Any) -> tuple[int, Any]:
    async with web.client.post(path, headers=headers, **sent) as answer:
        return answer.status, await answer.json(content_type=None)


WRONG: list[tuple[dict[str, Any], set[str]]] = [
    ({"amount": 10.5}, {"amount"}),
    ({"amount": 10.0}, {"amount"}),
    ({"amount": -1}, {"amount"}),
    ({"amount": 0}, {"amount"}),
    ({"amount": "1050"}, {"amount"}),
    ({"amount": True}, {"amount"}),
    ({"amount": 10**15 + 1}, {"amount"}),
    ({"currency": "EURO"}, {"currency"}),
    ({"currency": "XXX"}, {"currency"}),
    ({"currency": "eur"}, {"currency"}),
    ({"amount": None, "currency": None}, {"amount", "currency"}),
    ({"payment_id": "a/b"}, {"payment_id"}),
    ({"payment_id": ""}, {"payment_id"}),
    ({"order_ref": "a\x00b"}, {"order_ref"}),
    ({"return_url": "javascript:alert(1)"}, {"return_url"}),
    ({"capture_method": "later"}, {"capture_method"}),
    ({"amuont": 5}, {"amuont"}),
    ({"payer": {"emial": "x"}}, {"payer.emial"}),
    ({"line_items": [{"merchant_id": "m", "amount": 1.5}, {}]},
     {"line_items[0].amount", "line_items[1].merchant_id", "line_items[1].amount"}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
async def test_what_is_wrong_is_422_and_named(
    web: Web, lane: RowLane, acme: dict[str, str], number: int
) -> None:
    changed, named = WRONG[number]
    status, answer = await post(web, "/v1/payments", {**acme, **KEY}, json={**RIGHT, **changed})
    assert (status, answer["code"]) == (422, "invalid_parameter")
    assert {error["parameter"] for error in answer["errors"]} == named
    assert lane.records == []


async def test_what_is_no_json_document_of_ours(web: Web, lane: RowLane, acme: dict[str, str]) -> None:
    as_json = {**acme, **KEY, "Content-Type": "application/json"}
    for body in (b"", b"{", b'{"amount": 1, "amount": 2, "currency": "EUR"}', b"\xff\xfe"):
        assert (await post(web, "/v1/payments", as_json, data=body))[0] == 400, body
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        status, _ = await post(web, "/v1/payments", {**as_json, "Content-Type": media_type}, data=b"{}")
        assert status == 415, media_type
    assert (await post(web, "/v1/payments", as_json, data=b" " * 70_000))[0] == 413
    assert (await post(web, "/v1/payments", {**as_json, "Content-Encoding": "gzip"}, data=b"{}"))[0] == 400
    assert lane.records == []


@pytest.mark.parametrize("key", [None, "", "x" * 256, "ü", "a\tb"])
async def test_a_key_is_needed(web: Web, lane: RowLane, acme: dict[str, str], key: str | None) -> None:
    headers = acme if key is None else {**acme, "Idempotency-Key": key}
    for path in ("/v1/payments", "/v1/payouts", "/v1/payments/p/capture", "/v1/payments/p/refunds"):
        status, answer = await post(web, path, headers, json=RIGHT)
        assert status == 422, path
        assert answer["errors"][0]["parameter"] == "Idempotency-Key"
    assert lane.records == []


async def test_who_may_ask_for_what(web: Web, lane: RowLane, acme: dict[str, str]) -> None:
    viewer, operator = await web.key("viewer"), await web.key("operator")
    for headers, path in (
        (viewer, "/v1/payments"), (operator, "/v1/payouts"), (acme, "/v1/payouts/x/approve"),
        (viewer, "/v1/payouts/x/approve"), (operator, "/v1/payouts/x/reject"),
        (acme, "/v1/effects/redrive"), (viewer, "/v1/effects/redrive"),
    ):  # fmt: skip
        status, answer = await post(web, path, {**headers, **KEY}, json=RIGHT)
        assert (status, answer["code"]) == (403, "forbidden"), path
    assert (await post(web, "/v1/payments", KEY, json=RIGHT))[0] == 401
    assert lane.records == []


class TestRedrive:
    async def redriven(
        self, web: Web, published: list[Outgoing], key: str = "k", **body: Any
    ) -> tuple[int, list[str]]:
        """(status, ids that were redriven)."""
        published.clear()
        operator = await web.key("operator")
        status, answer = await post(
            web, "/v1/effects/redrive", {**operator, "Idempotency-Key": key}, json=body
        )
        records = [decode(EFFECTS_REQUESTS, record.value) for record in published]
        assert answer.get("count", 0) == len(records)
        return status, [record.effect_id for record in records]

    async def test_what_was_given_up(self, web: Web, published: list[Outgoing]) -> None:
        await rows.delivery(web.pool, 1)
        await rows.delivery(web.pool, 2, "dead")
        await rows.delivery(web.pool, 3, "dead")
        await rows.delivery(web.pool, 4, "dead", "webhook:m-2/we_1")
        ours = ["ev-2/we_1", "ev-3/we_1"]
        expected: list[tuple[dict[str, Any], list[str]]] = [
            ({"target": "webhook:m-1/we_1"}, ours),
            ({"target": "webhook:m-1/*"}, ours),
            ({"target": "*"}, [*ours, "ev-4/we_1"]),
            ({"target": "webhook:m-1"}, []),
            ({"target": "*", "effect_ids": ["ev-3/we_1", "ev-1/we_1", "none"]}, ["ev-3/we_1"]),
            ({"target": "*", "effect_ids": ["ev-1/we_1"], "also_done": True}, ["ev-1/we_1"]),
            ({"target": "webhook:m-2/*", "effect_ids": ["ev-3/we_1"]}, []),
            ({"target": "*", "since": "2026-11-20T12:04:00Z"}, ["ev-4/we_1"]),
            ({"target": "*", "until": "2026-11-20T12:03:00Z"}, ["ev-2/we_1"]),
        ]
        for body, ids in expected:
            assert await self.redriven(web, published, **body) == (202, ids), body

    async def test_the_same_key_is_the_same_record(self, web: Web, published: list[Outgoing]) -> None:
        await rows.delivery(web.pool, 2, "dead")
        operator = await web.key("operator")
        for _ in range(2):
            assert (await post(web, "/v1/effects/redrive", {**operator, **KEY}, json={"target": "*"}))[
                0
            ] == 202
        first, second = published
        assert first == second
        await post(web, "/v1/effects/redrive", {**operator, "Idempotency-Key": "other"}, json={"target": "*"})
        assert published[2] != first
