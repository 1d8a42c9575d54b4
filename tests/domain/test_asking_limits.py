"""However many ask at once, and whatever the PSP answers when: never more than is authorised or captured."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.capture_requests import in_flight
from tests.support.asking import answer, asking_books, create, psp_fact, request, webhook
from tests.support.domain import Books
from tests.support.properties import QUICK

OUTCOMES = ("done", "done", "accepted", "unknown", "declined", "gave_up", "misconfigured")


def authorized(amount: int) -> Books:
    books = asking_books()
    fact = psp_fact("authorized", amount=amount)
    for record in (create(amount=amount, capture_method="manual"), webhook(fact)):
        assert books.send(record).name == "applied"
    return books


def capture_request(number: int, amount: int) -> Any:
    return request("payment.capture", id=f"ask-{number}", capture_id=f"cap-{number}", amount=amount)


def capture_answer(books: Books, number: int, amount: int, outcome: str) -> Any:
    name = f"cap-{number}"
    taken = psp_fact("captured", amount=amount, psp_object_id=f"ch-{number}", object_id=name)
    if outcome == "accepted":
        return answer("capture", name)(books)
    return answer("capture", name, outcome=outcome, facts=[taken] if outcome == "done" else [])(books)


def refund_answer(books: Books, number: int, amount: int, outcome: str) -> Any:
    name = f"re-{number}"
    back = psp_fact("refunded", amount=amount, psp_object_id=f"r_{number}", object_id=name)
    return answer("refund", name, outcome=outcome, facts=[back] if outcome == "done" else [])(books)


def test_50_parallel_captures_never_exceed_what_is_authorised() -> None:
    books = authorized(1_000)
    outcomes = [books.send(capture_request(number, 60)) for number in range(50)]
    assert [o.name for o in outcomes].count("applied") == 16
    assert {o.detail for o in outcomes if o.name == "refused"} == {"capture_exceeds_authorized"}
    for number in range(16):
        assert books.send(capture_answer(books, number, 60, "done")).name == "applied"
    assert books.payment("pay-1").captured_amount == 960


def test_50_parallel_refunds_of_one_capture_never_exceed_it() -> None:
    """Two of 60 on 100 is what once went wrong elsewhere (juspay/hyperswitch#13182)."""
    books = asking_books()
    books.send(create(amount=100))
    books.send(webhook(psp_fact("captured", amount=100)))
    asked = [
        request("refund.create", id=f"r{number}", refund_id=f"re-{number}", amount=60) for number in range(50)
    ]
    outcomes = [books.send(record) for record in asked]
    assert [o.name for o in outcomes].count("applied") == 1
    assert books.payment("pay-1").refunded_amount == 60
    books.check_all()


@QUICK
@given(st.integers(1, 2_000), st.lists(st.integers(1, 400), min_size=1, max_size=50), st.integers(0, 2**32))
def test_captures_and_answers_in_any_order_never_exceed_what_is_authorised(
    amount: int, wanted: list[int], seed: int
) -> None:
    books, chance = authorized(amount), Random(seed)
    waiting = list(enumerate(wanted))
    open_calls: list[tuple[int, int]] = []
    while waiting or open_calls:
        if waiting and (not open_calls or chance.random() < 0.6):
            number, part = waiting.pop(chance.randrange(len(waiting)))
            if books.send(capture_request(number, part)).name == "applied":
                open_calls.append((number, part))
        else:
            number, part = open_calls.pop(chance.randrange(len(open_calls)))
            books.send(capture_answer(books, number, part, chance.choice(OUTCOMES)))
        payment = books.payment("pay-1")
        assert payment.captured_amount + in_flight(payment) <= amount
    assert books.open_categories() == []


@QUICK
@given(st.lists(st.sampled_from((20, 30, 60, 100)), min_size=1, max_size=50), st.integers(0, 2**32))
def test_refunds_and_answers_in_any_order_never_exceed_the_capture(wanted: list[int], seed: int) -> None:
    """Whatever is not known to have failed counts; a refusal posts nothing (blnkfinance/blnk#374)."""
    books, chance = asking_books(), Random(seed)
    books.send(create(amount=100))
    books.send(webhook(psp_fact("captured", amount=100)))
    open_calls: list[tuple[int, int]] = []
    for number, part in enumerate(wanted):
        asked = request("refund.create", id=f"r{number}", refund_id=f"re-{number}", amount=part)
        posted = len(books.transactions)
        if books.send(asked).name == "applied":
            open_calls.append((number, part))
        else:
            assert len(books.transactions) == posted
        if open_calls and chance.random() < 0.7:
            own, back = open_calls.pop()
            outcome = chance.choice(("done", "unknown", "declined", "gave_up"))
            told = psp_fact("refunded", amount=back, psp_object_id=f"r_{own}", object_id=f"re-{own}")
            books.send(
                answer("refund", f"re-{own}", outcome=outcome, facts=[told] if outcome == "done" else [])(
                    books
                )
            )
        assert books.payment("pay-1").refunded_amount <= 100
    books.check_all()
    assert books.open_categories() == []
