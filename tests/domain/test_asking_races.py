"""Races over money that was asked for, one test each: what two do at once neither doubles nor stays."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest

from app.domain.merchant_records import MerchantLaneRecord
from tests.domain.test_split import clearing, mall_books, mall_refund, order_of, seller_refund, the_mall
from tests.support.asking import answer, asking_books, create, effects, psp_fact, request, webhook
from tests.support.domain import Books, encode, record
from tests.support.effects_world import PSP, EffectsWorld, attempted, redrive, requested
from tests.support.facts import MERCHANT, end_state, refund_fact


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


def refund_asked(amount: int = 300) -> Books:
    """A payment of 1000, of which a part is being refunded."""
    books = asking_books()
    books.send(create())
    books.send(webhook(psp_fact("captured", amount=1_000)))
    asked = request("refund.create", id="r", refund_id="re-1", amount=amount)
    assert books.send(asked).name == "applied"
    return books


def refunded(**fields: Any) -> dict[str, Any]:
    return psp_fact("refunded", hour=2, amount=300, psp_object_id="r_1", **fields)


def in_every_order(records: list[Any]) -> list[Books]:
    """A refund's books after its records, each order once; all must end the same."""
    ended = []
    for order in permutations(records):
        books = refund_asked()
        for one in order:
            assert books.send(one(books) if callable(one) else one).name in ("applied", "duplicate")
        books.fire_timers()
        books.check_all()
        ended.append(books)
    assert [end_state(books) for books in ended] == [end_state(ended[0])] * len(ended)
    return ended


@pytest.mark.parametrize("facts", [[], [refunded(object_id="re-1")]])
def test_a_refund_whose_webhook_names_only_the_psps_id_is_the_one_that_was_asked_for(
    facts: list[Any],
) -> None:
    """Before the answer or behind it (seeds 5, 8 of the asking histories): it was counted twice for good."""
    accepted = answer("refund", "re-1", facts=facts)

    def named(books: Books) -> Any:
        told = accepted(books)
        return type(told)(**{**_fields(told), "psp_object_id": "r_1"})

    for books in in_every_order([webhook(refunded()), named]):
        ((key, refund),) = books.payment("pay-1").refunds.items()
        assert (key, refund.confirmed, refund.psp_refund_id) == ("re-1", True, "r_1")
        assert books.payment("pay-1").refunded_amount == 300
        assert books.balance("psp_recv:sandbox") == 1_000 - 300 - books.balance("psp_fee")


def test_a_refund_that_the_psp_declined_and_then_made_is_made() -> None:
    """It had forgotten its no; what it says it did is the money, whenever the no comes."""
    made = answer("refund", "re-1", facts=[refunded(object_id="re-1")])
    no = answer("refund", "re-1", outcome="declined")
    for books in in_every_order([no, made, webhook(refunded(object_id="re-1"))]):
        payment = books.payment("pay-1")
        assert (payment.refunded_amount, payment.refunds["re-1"].failed) == (300, False)


def test_a_sellers_refund_that_was_declined_and_then_made_is_that_sellers() -> None:
    """Seed 5065 of the asking histories: the seller kept what the payer had got back."""
    books = mall_books((6_000, 4_000))
    books.deliver()
    books.send(seller_refund(0, "re-1", 1_000))
    books.deliver()
    ((key, _),) = the_mall(books).refunds.items()
    no, made = answer("refund", key, outcome="declined"), psp_fact("refunded", amount=1_000)
    books.send(no(books))
    books.deliver()
    assert books.payment(order_of(0), "m-A").refunded_amount == 0
    made |= {"psp_object_id": "r_1", "object_id": key}
    for _ in range(2):
        books.send(answer("refund", key, facts=[made])(books))
        books.deliver()
    assert (the_mall(books).refunded_amount, clearing(books)) == (1_000, 0)
    assert books.payment(order_of(0), "m-A").refunded_amount == 1_000
    assert books.payment(order_of(1), "m-B").refunded_amount == 0
    books.check_all()


def test_a_refund_that_came_back_stays_failed_though_it_was_declined_once() -> None:
    back = psp_fact("refund_failed", hour=3, amount=300, psp_object_id="r_1", object_id="re-1")
    told = [webhook(refunded(object_id="re-1")), webhook(back), answer("refund", "re-1", outcome="declined")]
    for books in in_every_order(told):
        assert books.payment("pay-1").refunded_amount == 0


def test_a_payment_is_not_said_to_have_failed_while_a_redrive_may_still_make_it() -> None:
    """Its merchant would ask for the money again, and the payer pay twice once the key is set right."""
    books = asking_books()
    books.send(create())
    books.send(answer("authorize", "pay-1", outcome="misconfigured")(books))
    assert books.payment("pay-1").status == "unknown"
    books.send(answer("authorize", "pay-1", facts=[psp_fact("captured", amount=1_000)])(books))
    assert books.payment("pay-1").status == "captured"


def test_an_authorisation_ends_though_nobody_says_what_became_of_a_capture() -> None:
    """Adyen takes a capture in and refuses it later; its timer fired every hour for ever."""
    books = asking_books(psps={"sandbox": {"api": True, "authorization_seconds": 7_200}})
    books.send(create(capture_method="manual"))
    books.send(answer("authorize", "pay-1", facts=[psp_fact("authorized", amount=1_000)])(books))
    asked = request("payment.capture", id="c", capture_id="cap-1", amount=1_000)
    assert books.send(asked).name == "applied"
    books.send(answer("capture", "cap-1")(books))
    assert {outcome.name for outcome in books.fire_timers()} == {"applied"}
    payment = books.payment("pay-1")
    assert (payment.status, payment.asked["void/pay-1"].amount) == ("expired", 1_000)
    books.send(webhook(psp_fact("captured", amount=1_000, psp_object_id="ch_1", object_id="cap-1")))
    assert (books.payment("pay-1").status, books.open_categories()) == ("captured", ["STATUS_MISMATCH"])


@pytest.mark.parametrize(("more", "outcome"), [({"payment_method": None}, "refused"), ({}, "applied")])
def test_a_page_on_which_a_card_was_declined_can_still_be_paid(more: dict[str, Any], outcome: str) -> None:
    """A second payment that looks like it would be one too many, unless no page is open."""
    books = asking_books()
    looks: dict[str, Any] = {"payer": {"tax_id": "DE1"}, "invoice_id": "INV-1"}
    books.send(create(**looks, **more))
    books.send(webhook(psp_fact("failed", amount=1_000)))
    assert books.payment("pay-1").status == "failed"
    assert books.send(create("pay-2", **looks)).name == outcome


def test_what_we_asked_a_psp_for_is_not_refunded_where_nobody_would_ask_it() -> None:
    """The PSP was taken out of the configuration: the money would leave the books and never the PSP."""
    books = asking_books()
    books.send(create())
    books.send(webhook(psp_fact("captured", amount=1_000)))
    books.send(record(type="platform.configure", id="p1", psps={"sandbox": {}}))
    outcome = books.send(request("refund.create", id="r", refund_id="re-1", amount=1))
    assert str(outcome) == "refused:psp_not_configured"
    assert books.payment("pay-1").refunded_amount == 0


def test_a_call_that_a_psp_has_answered_is_not_made_again() -> None:
    """A refund that was declined is given back; made a day later, its key forgotten, it would be lost."""
    world = EffectsWorld()
    world.send(requested("c-1", target=PSP))
    world.send(attempted(1, "done", effect_id="c-1", target=PSP))
    assert world.send(redrive(effect_id="c-1", target=PSP)) == "ignored"
    assert world.effect("c-1", PSP).status == "done"


@pytest.mark.parametrize("length", [100, 200])
def test_ids_as_long_as_they_may_be_have_timers_that_can_be_read(length: int) -> None:
    """Payment and capture of 100 characters each, as the API allows, made a timer's id that no lane could

    decode: a dead letter instead of the release, again every 30 seconds, and the money pending for ever.
    """
    books, payment_id, capture_id = asking_books(), "p" * length, "c" * length
    books.send(create(payment_id, id="k", capture_method="manual"))
    held = psp_fact("authorized", amount=9)
    books.send(answer("authorize", payment_id, facts=[held])(books))
    books.send(request("payment.capture", payment_id, id="c", capture_id=capture_id, amount=5))
    taken = psp_fact("captured", amount=5, psp_object_id="ch_1", object_id=capture_id)
    books.send(answer("capture", capture_id, facts=[taken])(books))
    records = [timer.record for _, timer in books.of_kind("timer")]
    assert [msgspec.json.decode(encode(one), type=MerchantLaneRecord) for one in records] == records
    assert [outcome.name for outcome in books.fire_timers()] == ["applied", "applied"]
    payment = books.payment(payment_id)
    assert (payment.captures[capture_id].released, payment.lapsed) == (True, True)


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
