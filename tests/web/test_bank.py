"""Batches, bank lines and a payment's way over HTTP and as pages, from what the lanes have made of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from app.domain.streams import BANKING_COMMANDS
from app.store.shapes import document
from tests.support.all_lanes import AllLanes
from tests.support.bank_world import ACCOUNT, bank, line, payment, run, trailer
from tests.web.conftest import Web

DOCUMENT = """
INSERT INTO documents (collection, key, id, topic, partition, state, version)
VALUES ($1, $2, $3, $4, 0, $5, 1)"""


async def kept(web: Web, world: AllLanes) -> None:
    """What the banking lane keeps, in the database."""
    for ref, value in world.rows("document", BANKING_COMMANDS):
        await web.pool.execute(DOCUMENT, *ref.key, BANKING_COMMANDS, document(value))


def three_batches() -> AllLanes:
    facts: list[Any] = [
        payment(1),
        line(1, fee=30),
        trailer(1, 970, gross=1000, fee=30),
        bank(1, 970),
        line(2, 2000, "B2"),
        bank(2, 1900, "B2"),
        line(3, 3000, "B/3"),
        bank(3, 77, "hello"),
    ]
    return run(facts)


async def test_batches_with_their_parts_and_residual(web: Web, viewer: dict[str, str]) -> None:
    await kept(web, three_batches())
    status, page = await web.get("/v1/batches", viewer)
    assert status == 200
    by_id = {one["id"]: one for one in page["items"]}
    assert {name: one["status"] for name, one in by_id.items()} == {
        "B1": "paid", "B2": "differs", "B/3": "differs",
    }  # fmt: skip
    (total,) = by_id["B1"]["sums"]
    assert (total["gross"], total["fee"], total["net"], total["residual"]) == (1000, 30, 970, 0)
    assert total["trailer"] == {"count": 1, "gross": 1000, "fee": 30, "net": 970}
    assert total["paid_by"] == [{"account": ACCOUNT, "line_id": "K1", "amount": 970}]
    status, unpaid = await web.get("/v1/batches?open=true", viewer)
    assert sorted(one["id"] for one in unpaid["items"]) == ["B/3", "B2"]
    status, one = await web.get(f"/v1/batches/acq/{quote('B/3', safe='')}", viewer)
    assert (status, one["id"], one["mismatches"] != []) == (200, "B/3", True)
    assert (await web.get("/v1/batches/acq/B9", viewer))[0] == 404


async def test_lists_go_on_page_by_page(web: Web, viewer: dict[str, str]) -> None:
    await kept(web, three_batches())
    for path, name in (("/v1/batches", "id"), ("/v1/bank-lines", "line_id")):
        found, query = [], "?limit=1"
        for _ in range(3):
            status, page = await web.get(path + query, viewer)
            assert status == 200
            found += [one[name] for one in page["items"]]
            query = f"?limit=1&cursor={page['next_cursor']}"
        assert (len(set(found)), page["has_more"], page["next_cursor"]) == (3, False, None)


async def test_bank_lines_say_whom_they_pay(web: Web, viewer: dict[str, str]) -> None:
    await kept(web, three_batches())
    status, one = await web.get(f"/v1/bank-lines/{ACCOUNT}/K1", viewer)
    assert (status, one["status"], one["left"]) == (200, "paired", 0)
    assert one["shares"] == [{"to": "batch:acq/B1", "rule": "1", "amount": 970}]
    status, page = await web.get("/v1/bank-lines?open=true", viewer)
    assert [(line["line_id"], line["left"]) for line in page["items"]] == [("K3", 77)]


async def test_a_payments_way_leads_to_the_bank_line(web: Web, viewer: dict[str, str], acme: Any) -> None:
    world = three_batches()
    await web.pool.execute(
        """INSERT INTO payments VALUES ('m-1', 'pay-1', 'captured', 'none', 'settled', 1000, 1000, 0, 0,
                                        'EUR', 'stripe', 'pi_1', '{}', $1, 1)""",
        document(world.values("payment")[0]),
    )
    (item,) = [one for one in world.values("item") if one.expectation is not None]
    await web.pool.execute(
        """INSERT INTO items
           VALUES ('stripe', 'pi_1', 'capture', 'm-1', 'pay-1', 'EUR', 1000, 1, 1000, $1, 1)""",
        document(item),
    )
    status, way = await web.get("/v1/payments/pay-1/way", viewer)
    assert status == 200
    (step,) = way["steps"]
    assert (step["batch_id"], step["line_id"], step["net"]) == ("B1", "L1", 970)
    assert [one["line_id"] for one in step["bank"]] == ["K1"]
    assert (await web.get("/v1/payments/pay-1/way", acme))[0] == 403


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/batches", "B2"),
        ("/batches/acq/B1", "Residual"),
        ("/bank-lines", "PAYOUT B1"),
        (f"/bank-lines/{ACCOUNT}/K2", "What it pays"),
    ],
)
async def test_pages(web: Web, path: str, seen: str) -> None:
    await kept(web, three_batches())
    async with web.client.get(path) as answer:
        text = await answer.text()
    assert (answer.status, seen in text) == (200, True), text[:500]
