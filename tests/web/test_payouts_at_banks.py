"""A payout over HTTP and as a page: its parts, its residual, and the bank lines that were found for it."""

from __future__ import annotations

from app.domain.payout import Payout
from app.domain.streams import BANKING_COMMANDS
from app.store.shapes import document
from tests.domain.test_payout_lines import AMOUNT, bank, payout, say, told, world
from tests.domain.three_leg_facts import OUTGO, PAYER
from tests.support.all_lanes import AllLanes
from tests.web.conftest import Web

DOCUMENT = """
INSERT INTO documents (collection, key, id, topic, partition, state, version)
VALUES ($1, $2, $3, $4, 0, $5, 1)"""


async def kept(web: Web, lanes: AllLanes) -> Payout:
    """The payout and what the banking lane keeps, in the database."""
    for ref, value in lanes.rows("document", BANKING_COMMANDS):
        await web.pool.execute(DOCUMENT, *ref.key, BANKING_COMMANDS, document(value))
    found = payout(lanes)
    await web.pool.execute(
        """INSERT INTO payouts (merchant_id, id, status, amount, currency, bank_fee, psp_payout_id, state,
                                version)
           VALUES ($1, $2, $3, $4, 'EUR', $5, $6, $7, 1)""",
        PAYER, found.id, found.status, found.amount, found.bank_fee, found.psp_payout_id, document(found),
    )  # fmt: skip
    return found


async def test_a_payout_says_what_the_bank_shows(web: Web, viewer: dict[str, str]) -> None:
    await kept(web, say(world(), told("paid", bank_fee=25), bank(-AMOUNT - 60)))
    status, one = await web.get("/v1/payouts/po-1", viewer)
    assert (status, one["status"], one["residual"]) == (200, "paid", 0)
    assert sum(one["parts"].values()) + one["residual"] == AMOUNT
    line = {"account": OUTGO, "line_id": "K1", "value_date": "2026-11-24"}
    assert one["bank"] == {"confirmed": True, "difference": -35, "lines": [line]}


async def test_a_merchant_sees_no_bank_lines(web: Web) -> None:
    await kept(web, say(world(), told("paid"), bank(-AMOUNT)))
    merchant = await web.key("merchant", PAYER)
    _, one = await web.get("/v1/payouts/po-1", merchant)
    _, page = await web.get("/v1/payouts", merchant)
    for found in (one, page["items"][0]):
        assert found["bank"] == {"confirmed": True, "difference": 0, "lines": []}


async def test_before_the_bank_says_anything_it_is_null(web: Web, viewer: dict[str, str]) -> None:
    await kept(web, say(world(), told("paid")))
    _, one = await web.get("/v1/payouts/po-1", viewer)
    assert one["bank"] is None
    assert one["paid_at"] is not None


async def test_the_page_shows_parts_residual_and_bank_lines(web: Web) -> None:
    await kept(web, say(world(), told("paid"), bank(-AMOUNT - 900)))
    page = await text_of(web, f"/payouts/po-1?merchant_id={PAYER}")
    for words in ("Residual", "not as our books say", "\N{MINUS SIGN}9.00", f"/bank-lines/{OUTGO}/K1"):
        assert words in page, words
    line = await text_of(web, f"/bank-lines/{OUTGO}/K1")
    assert f"/payouts/po-1?merchant_id={PAYER}" in line


async def text_of(web: Web, path: str) -> str:
    async with web.client.get(path) as answer:
        assert answer.status == 200
        return str(await answer.text())
