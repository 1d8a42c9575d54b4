"""Lists of payments, payouts and refunds: pages, filters, and whose rows they are."""

from __future__ import annotations

from typing import Any

from tests.web import rows
from tests.web.conftest import Web
from tests.web.test_resources import all_pages


async def spread(web: Web, table: str) -> None:
    """Each row a minute after the one before, two of them at the same moment."""
    await web.pool.execute(
        f"""UPDATE {table} t
               SET created_at = timestamptz '2026-11-20 12:00Z' + make_interval(mins => n.place::int)
              FROM (SELECT id, merchant_id, rank() OVER (ORDER BY left(id, 5)) AS place FROM {table}) n
             WHERE n.id = t.id AND n.merchant_id = t.merchant_id"""
    )


async def test_payments_newest_first_page_by_page(web: Web, viewer: dict[str, str], acme: Any) -> None:
    names = ["pay-1", "pay-2", "pay-2b", "pay-3", "pay-4"]
    for name in names:
        await rows.payment(web.pool, "m-1", name)
    await rows.payment(web.pool, "m-2", "pay-5")
    await spread(web, "payments")
    assert await all_pages(web, "/v1/payments?limit=2", viewer) == [
        ["pay-5", "pay-4"], ["pay-3", "pay-2b"], ["pay-2", "pay-1"],
    ]  # fmt: skip
    assert await all_pages(web, "/v1/payments?limit=10", acme) == [list(reversed(names))]
    assert await all_pages(web, "/v1/payments?limit=10&merchant_id=m-2", viewer) == [["pay-5"]]


async def test_filters_of_payments(web: Web, viewer: dict[str, str]) -> None:
    await rows.payment(web.pool, "m-1", "pay-1")
    await rows.payment(web.pool, "m-1", "pay-2", currency="JPY")
    await spread(web, "payments")
    found = {
        "status=captured,failed": ["pay-2", "pay-1"],
        "status=failed": [],
        "currency=JPY": ["pay-2"],
        "psp=stripe": ["pay-2", "pay-1"],
        "psp=other": [],
        "since=2026-11-20T12:02:00Z": ["pay-2"],
        "before=2026-11-20T12:02:00Z": ["pay-1"],
    }
    for query, ids in found.items():
        assert await all_pages(web, f"/v1/payments?{query}&limit=10", viewer) == [ids], query


async def test_wrong_filters_name_themselves(web: Web, viewer: dict[str, str], acme: dict[str, str]) -> None:
    for query, name in (("status=paid", "status"), ("since=5", "since"), ("since=2026", "since"),
                        ("cursor=abc", "cursor"), ("limit=0", "limit"), ("state=x", "state")):  # fmt: skip
        for path in ("/v1/payments", "/v1/payouts", "/v1/refunds"):
            if query.startswith(("status", "since")) and path != "/v1/payments":
                continue
            status, answer = await web.get(f"{path}?{query}", viewer)
            assert (status, answer["errors"][0]["parameter"]) == (422, name), (path, query)
    status, answer = await web.get("/v1/payments?merchant_id=m-2", acme)
    assert (status, answer["code"]) == (403, "forbidden")


async def test_payouts(web: Web, viewer: dict[str, str], acme: dict[str, str]) -> None:
    for number in (1, 2, 3):
        await rows.payout(web.pool, "m-1", f"po-{number}")
    await rows.payout(web.pool, "m-2", "po-4")
    await spread(web, "payouts")
    assert await all_pages(web, "/v1/payouts?limit=2", viewer) == [["po-4", "po-3"], ["po-2", "po-1"]]
    assert await all_pages(web, "/v1/payouts?status=started&limit=9", acme) == [["po-3", "po-2", "po-1"]]
    status, payout = await web.get("/v1/payouts/po-1", acme)
    assert (status, payout["amount"], payout["residual"], payout["operation"]) == (200, 5000, 0, None)
    assert (await web.get("/v1/payouts/po-4", acme))[0] == 404


async def test_refunds_are_those_of_the_ledger(web: Web, viewer: dict[str, str], acme: Any) -> None:
    """A posting that a later figure replaced is none any more."""
    await rows.payment(web.pool, "m-1", "pay-1")
    for number, transaction_id in ((1, "pc.0.2.0"), (2, "pc.0.9.9")):
        await web.pool.execute(
            """INSERT INTO ledger_transactions (id, kind, merchant_id, payment_id, occurred_at, recorded_at,
                   source_topic, source_partition, source_offset)
               VALUES ($1, 'refund', 'm-1', 'pay-1', $2, $2, 'payments.commands', 0, $3)""",
            transaction_id, rows.NOON, number,
        )  # fmt: skip
    await rows.refund_claim(web.pool, "m-1", "re-1", "pay-1")
    for path in ("/v1/refunds", "/v1/refunds?payment_id=pay-1", "/v1/payments/pay-1/refunds"):
        _, page = await web.get(path, acme)
        assert [(one["id"], one["payment_id"], one["status"]) for one in page["items"]] == [
            ("re-1", "pay-1", "succeeded")
        ], path
    status, refund = await web.get("/v1/refunds/re-1?merchant_id=m-1", viewer)
    assert (status, refund["amount"], refund["merchant_id"]) == (200, 500, "m-1")
    assert (await web.get("/v1/refunds/re-1", viewer))[0] == 404
    assert (await web.get("/v1/refunds/re-2", acme))[0] == 404
