"""`POST /v1/…`: what is published, what is answered when, and what a repeated key gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.checkout_links import CheckoutLinks
from app.domain.payment_requests import PaymentCreate
from tests.support.waiting import eventually
from tests.web.conftest import SECRET, FakeEnds, Web
from tests.web.lane import RowLane, asked_of, payment_for
from tests.web.tail import FakeTail
from web.application import build
from web.desk import Desk
from web.keys import KeyHasher

BODY: Final = {"amount": 1050, "currency": "EUR"}


@pytest.fixture
def lane(pool: Any) -> RowLane:
    return RowLane(pool)


@pytest.fixture
def links() -> CheckoutLinks:
    return CheckoutLinks("https://pay.example", lambda: [SECRET])


@pytest.fixture
async def web(
    pool: Any, ends: FakeEnds, tail: FakeTail, lane: RowLane, links: CheckoutLinks
) -> AsyncIterator[Web]:
    hasher = KeyHasher([SECRET])
    desk = Desk(pool, lane.publish_at, partitions=1)
    app = build(pool, hasher, reader=ends, tail=tail, pages_open=True, desk=desk, links=links)
    async with TestClient(TestServer(app)) as client:
        yield Web(client, pool, hasher, ends, tail)


async def post(web: Web, path: str, key: dict[str, str], body: Any = None, **headers: str) -> Any:
    """(status, document, headers); `idempotency`: the key, `k-1` where none is given."""
    named = {"Idempotency-Key": headers.pop("idempotency", "k-1"), "Prefer": headers.pop("prefer", "wait=9")}
    async with web.client.post(path, json=body, headers={**key, **named, **headers}) as response:
        return response.status, await response.json(content_type=None), response.headers


async def published(lane: RowLane, count: int = 1) -> Any:
    """The last of so many records, as soon as they are there."""
    await eventually(lambda: lane.records[count - 1 :], 5, f"{count} records")
    return lane.records[count - 1]


class TestAPayment:
    async def test_is_answered_when_its_psp_has_answered(
        self, web: Web, lane: RowLane, acme: dict[str, str], links: CheckoutLinks
    ) -> None:
        asking = asyncio.create_task(post(web, "/v1/payments", acme, {**BODY, "order_ref": "o-7"}))
        command = await published(lane)
        assert (command.merchant_id, command.amount, command.order_ref) == ("m-1", 1050, "o-7")
        payment = payment_for(command)
        await lane.keep(asked_of(payment, session="executing"))
        await lane.decide(0)
        await lane.keep(asked_of(payment, session="done"), version=2)
        status, answer, headers = await asking
        assert (status, answer["status"], answer["id"]) == (201, "created", command.payment_id)
        assert answer["checkout_url"] == links.page_url("m-1", command.payment_id)
        assert [(one["operation"], one["state"]) for one in answer["operations"]] == [("session", "done")]
        assert headers["Tallystick-Position"] == "payments.commands:0:0"
        assert headers["Preference-Applied"] == "wait=9"
        assert "Idempotent-Replayed" not in headers

    async def test_is_202_while_its_psp_is_silent(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        asking = asyncio.create_task(post(web, "/v1/payments", acme, BODY, prefer="wait=1"))
        command = await published(lane)
        await lane.keep(asked_of(payment_for(command), authorize="executing"))
        await lane.decide(0)
        status, answer, headers = await asking
        assert (status, answer["status"]) == (202, "executing")
        assert headers["Preference-Applied"] == "wait=1"
        assert headers["Tallystick-Position"] == "payments.commands:0:0"

    async def test_is_202_while_its_lane_is_silent(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        status, answer, headers = await post(web, "/v1/payments", acme, BODY, prefer="respond-async")
        command = await published(lane)
        assert (status, answer) == (
            202,
            {"merchant_id": "m-1", "id": command.payment_id, "status": "executing"},
        )
        assert headers["Tallystick-Position"] == "payments.commands:0:0"

    async def test_refused_is_409_with_the_code_and_again_the_same(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        asking = asyncio.create_task(post(web, "/v1/payments", acme, BODY))
        await published(lane)
        await lane.decide(0, "refused", "psp_not_configured: no PSP cannot be asked: for money")
        first, second = await asking, await post(web, "/v1/payments", acme, BODY)
        for (status, answer, _), replayed in ((first, None), (second, "true")):
            assert (status, answer["code"], answer["refusal"]) == (409, "refused", "psp_not_configured")
            assert answer["detail"] == "no PSP cannot be asked: for money"
            assert _.get("Idempotent-Replayed") == replayed
        assert len(lane.records) == 1

    async def test_a_broker_that_is_away_is_503_and_nothing_was_done(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        lane.failing = True
        status, answer, headers = await post(web, "/v1/payments", acme, BODY)
        assert (status, answer["code"], headers["Retry-After"]) == (503, "kafka_unavailable", "2")


class TestTheSameKey:
    async def made(self, web: Web, lane: RowLane, acme: dict[str, str]) -> Any:
        asking = asyncio.create_task(post(web, "/v1/payments", acme, BODY))
        command = await published(lane)
        await lane.keep(asked_of(payment_for(command), session="done"))
        await lane.decide(0)
        assert (await asking)[0] == 201
        return command

    async def test_with_the_same_content_gets_the_resource_as_it_is_now(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        command = await self.made(web, lane, acme)
        await lane.keep(asked_of(payment_for(command), session="declined"), version=5)
        status, answer, headers = await post(web, "/v1/payments", acme, BODY)
        assert (status, answer["status"], answer["id"]) == (200, "failed", command.payment_id)
        assert headers["Idempotent-Replayed"] == "true"
        assert headers["Tallystick-Position"] == "payments.commands:0:0"
        assert len(lane.records) == 1

    async def test_with_other_content_is_a_conflict_and_nothing_is_published(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        await self.made(web, lane, acme)
        status, answer, _ = await post(web, "/v1/payments", acme, {**BODY, "amount": 1051})
        assert (status, answer["code"]) == (409, "idempotency_conflict")
        assert len(lane.records) == 1

    async def test_at_once_with_other_content_the_lane_decides_who_is_first(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        asking = [
            asyncio.create_task(post(web, "/v1/payments", acme, {**BODY, "amount": amount}))
            for amount in (1, 2)
        ]
        await published(lane, 2)
        await lane.keep(asked_of(payment_for(lane.records[1]), session="done"))
        await lane.decide(1)
        answers = await asyncio.gather(*asking)
        assert {status: answer["code"] if status == 409 else answer["requested_amount"]
                for status, answer, _ in answers} == {
            409: "idempotency_conflict",
            201: lane.records[1].amount,
        }  # fmt: skip

    async def test_of_another_merchant_or_route_is_another_request(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        other = await web.key("merchant", "m-2")
        body = {**BODY, "amount": 5}
        for key, path in ((acme, "/v1/payments"), (other, "/v1/payments"), (acme, "/v1/payouts")):
            assert (await post(web, path, key, body, prefer="wait=0"))[0] == 202
        assert len({(record.merchant_id, record.id) for record in lane.records}) == 3
        assert len({record.id for record in lane.records}) == 3


async def test_a_request_that_its_lane_counts_as_a_duplicate_gets_the_resource(
    web: Web, lane: RowLane, acme: dict[str, str]
) -> None:
    asking = asyncio.create_task(post(web, "/v1/payments", acme, {**BODY, "payment_id": "p-1"}))
    command = await published(lane)
    await lane.keep(asked_of(payment_for(command), session="done"))
    await lane.decide(0, "duplicate")
    status, answer, headers = await asking
    assert (status, answer["id"], headers["Idempotent-Replayed"]) == (200, "p-1", "true")


class TestOperations:
    async def test_a_capture_is_answered_with_the_payment(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        path = "/v1/payments/p-1/capture"
        asking = asyncio.create_task(post(web, path, acme, {**BODY, "capture_id": "p-1"}))
        command = await published(lane)
        assert (command.payment_id, command.capture_id, command.amount) == ("p-1", "p-1", 1050)
        made = payment_for(_created(command))
        await lane.keep(asked_of(made, authorize="done", capture="executing"))
        await lane.decide(0)
        await lane.keep(asked_of(made, authorize="done", capture="declined"), version=2)
        status, answer, _ = await asking
        assert status == 201
        assert [(one["operation"], one["state"]) for one in answer["operations"]] == [
            ("authorize", "done"), ("capture", "declined"),
        ]  # fmt: skip

    async def test_a_void_sends_nothing_but_its_url(
        self, web: Web, lane: RowLane, acme: dict[str, str]
    ) -> None:
        headers = {**acme, "Idempotency-Key": "v", "Prefer": "wait=0"}
        for path, body in (("/v1/payments/p-1/void", None), ("/v1/payments/p-2/void", {})):
            async with web.client.post(path, headers=headers, json=body) as response:
                assert response.status == 202
        assert [record.payment_id for record in lane.records] == ["p-1", "p-2"]

    async def test_a_refund_that_is_refused(self, web: Web, lane: RowLane, acme: dict[str, str]) -> None:
        asking = asyncio.create_task(post(web, "/v1/payments/p-1/refunds", acme, BODY))
        command = await published(lane)
        assert command.refund_id.startswith("re_")
        await lane.decide(0, "refused", "payment_not_found: there is no payment p-1")
        status, answer, _ = await asking
        assert (status, answer["refusal"]) == (409, "payment_not_found")


def _created(command: Any) -> Any:
    return PaymentCreate(
        id="x", merchant_id=command.merchant_id, payment_id=command.payment_id, amount=5000, currency="EUR"
    )
