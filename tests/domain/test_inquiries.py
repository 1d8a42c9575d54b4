"""A PSP that took something in and whose webhook was lost is asked what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain.inquiries import MOST_ROUNDS
from app.domain.psp_calls import PspCall
from tests.support.asking import answer, asking_books, create, effects, psp_fact, request, webhook
from tests.support.domain import Books, record, run
from tests.support.facts import MERCHANT

PAUSES = (900, 3_600, 6 * 3_600, 86_400, 86_400)


def looks(books: Books) -> list[PspCall]:
    calls = [effect.work for effect in effects(books) if isinstance(effect.work, PspCall)]
    return [call for call in calls if call.operation == "get"]


def pass_seconds(books: Books, seconds: float) -> None:
    books.now += timedelta(seconds=seconds)
    books.fire_timers(books.now)


def play(books: Books, *steps: Any) -> Books:
    """Records, and those that can only be made once the books have asked for them."""
    for step in steps:
        run(books, [step(books) if callable(step) else step])
    return books


def on_a_page() -> Books:
    """Created without a means of payment: the payer is on the PSP's page."""
    return play(asking_books(), create(payment_method=None), answer("session", "pay-1"))


def captured() -> dict[str, Any]:
    return psp_fact("captured", amount=1_000, hour=1, psp_object_id="ch_1")


def test_a_silent_page_is_looked_at_after_a_quarter_of_an_hour() -> None:
    books = on_a_page()
    pass_seconds(books, 899)
    assert looks(books) == []
    pass_seconds(books, 1)
    assert [(call.payment_id, call.object_id) for call in looks(books)] == [("pay-1", "pay-1")]


def test_what_is_seen_is_a_fact_like_any() -> None:
    books = on_a_page()
    pass_seconds(books, 900)
    play(books, answer("get", "pay-1", facts=[captured()]))
    [(_, payment)] = books.of_kind("payment")
    assert (payment.status, payment.captured_amount) == ("captured", 1_000)
    pass_seconds(books, 10 * 86_400)
    assert len(looks(books)) == 1


def test_the_webhook_that_comes_after_all_is_the_same_fact() -> None:
    books = on_a_page()
    pass_seconds(books, 900)
    play(books, answer("get", "pay-1", facts=[captured()]), webhook(captured()))
    assert books.of_kind("payment")[0][1].captured_amount == 1_000


def test_nothing_is_asked_where_the_webhook_came() -> None:
    books = play(on_a_page(), webhook(captured()))
    pass_seconds(books, 10 * 86_400)
    assert looks(books) == []


def test_pauses_grow_and_it_ends() -> None:
    books = on_a_page()
    for number, seconds in enumerate(PAUSES, 1):
        pass_seconds(books, seconds)
        assert len(looks(books)) == number
    for _ in range(30):
        pass_seconds(books, 86_400)
    assert len(looks(books)) == MOST_ROUNDS


@pytest.mark.parametrize("outcome", ["unknown", "gave_up", "misconfigured"])
def test_a_look_that_finds_nothing_changes_nothing(outcome: str) -> None:
    books = on_a_page()
    pass_seconds(books, 900)
    before = books.of_kind("payment")
    play(books, answer("get", "pay-1", outcome=outcome))
    assert books.of_kind("payment") == before
    pass_seconds(books, 3_600)
    assert len(looks(books)) == 2


def test_a_capture_that_was_taken_in_and_not_told_of() -> None:
    authorized = psp_fact("authorized", amount=1_000, hour=1)
    steps = [
        create(capture_method="manual"),
        answer("authorize", "pay-1", facts=[authorized]),
        request("payment.capture", id="c", capture_id="cap-1", amount=700),
        answer("capture", "cap-1"),
    ]
    books = play(asking_books(), *steps)
    pass_seconds(books, 900)
    assert len(looks(books)) == 1
    taken = psp_fact("captured", amount=700, hour=2, psp_object_id="ch_1", object_id="cap-1")
    play(books, answer("get", "pay-1", facts=[authorized, taken]))
    pass_seconds(books, 3_600)
    assert len(looks(books)) == 1
    assert books.of_kind("payment")[0][1].captured_amount == 700


def test_a_payout_that_was_taken_in_and_not_told_of() -> None:
    books = asking_books(payout_psp="sandbox", release_delay_seconds=0)
    play(books, create(), answer("authorize", "pay-1", facts=[captured()]))
    pass_seconds(books, 2 * 86_400)
    asked = {"payout_id": "po-1", "amount": 500, "currency": "EUR"}
    payout = record(type="payout.create", id="po", merchant_id=MERCHANT, **asked)
    play(books, payout, answer("payout", "po-1"))
    pass_seconds(books, 900)
    [call] = looks(books)
    assert (call.payment_id, call.object_id, call.amount) == (None, "po-1", 500)
    paid = psp_fact("payout_paid", payment_id="po-1", amount=500, hour=3)
    play(books, answer("get", "po-1", facts=[paid]))
    pass_seconds(books, 10 * 86_400)
    assert len(looks(books)) == 1
    assert books.of_kind("payout")[0][1].status == "paid"
