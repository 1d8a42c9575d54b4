"""Races over money that was asked for, one test each: what two do at once neither doubles nor stays."""

from __future__ import annotations

from typing import Any

from tests.domain.test_split import clearing, mall_books, mall_refund, order_of, seller_refund, the_mall
from tests.support.asking import asking_books, create, effects, psp_fact, webhook
from tests.support.domain import Books, record
from tests.support.facts import MERCHANT, refund_fact


def refunds_asked(books: Books) -> list[Any]:
    return [one.work for one in effects(books) if getattr(one.work, "operation", "") == "refund"]


def test_a_seller_and_the_parent_who_give_back_at_once_ask_for_no_more_than_was_captured() -> None:
    """Each is within its own limit; only the parent's lane sees both (seed 117 of the asking histories)."""
    books = mall_books((6_000, 4_000))
    books.deliver()
    assert books.send(seller_refund(0, "re-1", 5_000)).name == "applied"
    assert books.send(mall_refund("re-all", 10_000)).name == "applied"
    books.deliver()
    assert sum(call.amount for call in refunds_asked(books)) == 10_000
    assert "re-1" not in str(the_mall(books).refunds)
    order = books.payment(order_of(0), "m-A")
    assert (order.refunds["re-1"].failed, order.refunded_amount) == (True, 6_000)
    assert clearing(books) == 0
    assert set(books.open_categories()) == {"NEGATIVE_BALANCE"}  # the fees of what went back
    books.check_all()


def test_money_that_a_rejected_payout_gives_back_ends_a_negative_balance() -> None:
    """Seed 279 of the asking histories: nobody looked at the balance, so the exception stayed open."""
    books = asking_books(payout_approval_above=1)
    books.send(create())
    books.send(webhook(psp_fact("captured", amount=1_000)))
    books.fire_timers()
    payout = {"merchant_id": MERCHANT, "payout_id": "po-1"}
    amount = books.balance("m_avail:m-1")
    assert books.send(record(type="payout.create", id="p", amount=amount, currency="EUR", **payout)).name == (
        "applied"
    )
    books.send(refund_fact("pay-1", "re-1", 500, command_id="r"))
    assert books.open_categories() == ["NEGATIVE_BALANCE"]
    assert books.send(record(type="payout.reject", id="n", by="ann", reason="no", **payout)).name == "applied"
    assert books.open_categories() == []
    books.check_all()
