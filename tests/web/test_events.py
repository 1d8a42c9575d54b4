"""Lists of events: pages, filters, one, a payment's own, and whose they are."""

from __future__ import annotations

from typing import Any

from tests.web import rows
from tests.web.conftest import Web
from tests.web.test_resources import all_pages


def ids(*numbers: int) -> list[str]:
    return [f"pc.0.{number}.0" for number in numbers]


async def test_newest_first_page_by_page(web: Web, viewer: dict[str, str], acme: dict[str, str]) -> None:
    for number in (9, 10, 11):  # of one moment: their places in the log order them, not their ids as texts
        await rows.event(web.pool, number, created_at=rows.NOON)
    await rows.event(web.pool, 12)
    await rows.event(web.pool, 13, merchant_id="m-2")
    assert await all_pages(web, "/v1/events?limit=2", viewer) == [ids(13, 12), ids(11, 10), ids(9)]
    assert await all_pages(web, "/v1/events?limit=2", acme) == [ids(12, 11), ids(10, 9)]
    assert await all_pages(web, "/v1/events?limit=9&merchant_id=m-2", viewer) == [ids(13)]


async def test_events_that_come_meanwhile_shift_nothing(web: Web, viewer: dict[str, str]) -> None:
    for number in (1, 2, 3):
        await rows.event(web.pool, number)
    _, first = await web.get("/v1/events?limit=2", viewer)
    await rows.event(web.pool, 4)
    _, second = await web.get(f"/v1/events?limit=2&cursor={first['next_cursor']}", viewer)
    assert [one["id"] for one in first["items"] + second["items"]] == ids(3, 2, 1)


async def test_filters(web: Web, viewer: dict[str, str]) -> None:
    await rows.event(web.pool, 1)
    await rows.event(web.pool, 2, kind="refund.accepted")
    await rows.event(web.pool, 3, kind="request.refused", subject="request/rq-1")
    await rows.event(web.pool, 4, kind="merchant.configured", payment_id=None)
    found = {
        "type=payment.captured": ids(1),
        "type=payment.captured,refund.accepted": ids(2, 1),
        "type=payment.captured&type=merchant.configured": ids(4, 1),
        "type=payment.voided": [],
        "payment_id=pay-1": ids(3, 2, 1),
        "payment_id=pay-2": [],
        "since=2026-11-20T12:00:02Z&before=2026-11-20T12:00:04Z": ids(3, 2),
    }
    for query, expected in found.items():
        assert await all_pages(web, f"/v1/events?{query}&limit=9", viewer) == [expected], query


async def test_an_event_is_what_the_log_has(web: Web, acme: dict[str, str], viewer: dict[str, str]) -> None:
    await rows.event(web.pool, 1, body='{"id":"pc.0.1.0","type":"payment.captured","amount":1050,"x":[1]}')
    status, event = await web.get("/v1/events/pc.0.1.0", acme)
    assert status == 200
    assert event == {
        "id": "pc.0.1.0",
        "type": "payment.captured",
        "merchant_id": "m-1",
        "object": "payment/pay-1",
        "sequence": 1,
        "payment_id": "pay-1",
        "occurred_at": "2026-11-20T12:00:00Z",
        "created_at": "2026-11-20T12:00:01Z",
        "data": {"id": "pc.0.1.0", "type": "payment.captured", "amount": 1050, "x": [1]},
    }
    assert (await web.get("/v1/events/pc.0.1.0?merchant_id=m-1", viewer))[0] == 200
    assert (await web.get("/v1/events/pc.0.1.0?merchant_id=m-2", viewer))[0] == 404


async def test_a_merchant_sees_no_sign_of_others(web: Web, acme: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-2", "pay-2")
    await rows.event(web.pool, 1, merchant_id="m-2", payment_id="pay-2")
    for status, problem in (
        await web.get("/v1/events/pc.0.1.0", acme),
        await web.get("/v1/events/pc.0.2.0", acme),
        await web.get("/v1/events/pc.0.1.0?merchant_id=m-2", acme),
        await web.get("/v1/payments/pay-2/events", acme),
        await web.get("/v1/payments/pay-2/events?merchant_id=m-2", acme),
    ):
        assert (status, problem["code"]) == (404, "not_found")
    assert await all_pages(web, "/v1/events?payment_id=pay-2", acme) == [[]]
    status, problem = await web.get("/v1/events?merchant_id=m-2", acme)
    assert (status, problem["code"]) == (403, "forbidden")


async def test_a_payments_events_in_its_order(web: Web, acme: dict[str, str], viewer: Any) -> None:
    """By number, whenever they were published; a request that was refused counts for itself."""
    for merchant in ("m-1", "m-2"):
        await rows.payment(web.pool, merchant, "pay-1")
    for number in (3, 1, 2):
        await rows.event(web.pool, number, created_at=rows.NOON)
    await rows.event(web.pool, 4, kind="request.refused", subject="request/rq-1", seq=1)
    await rows.event(web.pool, 5, merchant_id="m-2", seq=1)
    await rows.event(web.pool, 6, payment_id="pay-2", seq=1)
    assert await all_pages(web, "/v1/payments/pay-1/events?limit=2", acme) == [ids(1, 2), ids(3)]
    assert await all_pages(web, "/v1/payments/pay-1/events?merchant_id=m-2", viewer) == [ids(5)]
    assert (await web.get("/v1/payments/pay-1/events", viewer))[1]["code"] == "ambiguous"
    assert (await web.get("/v1/payments/pay-9/events", acme))[0] == 404


async def test_wrong_parameters_name_themselves(web: Web, viewer: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1")
    await rows.event(web.pool, 1)
    await rows.event(web.pool, 2)
    _, page = await web.get("/v1/events?limit=1", viewer)
    wrong = [(f"/v1/events?{query}", name) for query, name in (
        ("since=2026", "since"), ("limit=0", "limit"), ("cursor=abc", "cursor"), ("kind=x", "kind"),
        ("type=", "type"), ("type=payment.*", "type"), ("min_position=payments.commands:0:1", "min_position"),
    )]  # fmt: skip
    wrong += [
        ("/v1/events/pc.0.1.0?limit=1", "limit"),
        ("/v1/payments/pay-1/events?type=x", "type"),
        (f"/v1/payments/pay-1/events?cursor={page['next_cursor']}", "cursor"),  # of another list
        (f"/v1/ledger/transactions?cursor={page['next_cursor']}", "cursor"),
    ]
    for path, name in wrong:
        status, problem = await web.get(path, viewer)
        assert (status, problem["errors"][0]["parameter"]) == (422, name), path
