"""One guard over all money that goes out: what others got wrong in their trackers, and request storms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import Books, record, run
from tests.support.facts import (
    MERCHANT,
    capture_fact,
    configuration,
    dispute_fact,
    refund_fact,
    refund_failed_fact,
)
from tests.support.properties import QUICK

PLAIN = [record(type="merchant.configure", id="c0", merchant_id=MERCHANT, settlement_currency="EUR")]
RELEASED = "2026-01-01T00:00:00Z"
"""A date so old that the money is released at once."""


def refund_request(number: int, amount: int, payment_id: str = "pay-1") -> Any:
    return record(
        type="refund.create",
        id=f"rq-{number}",
        merchant_id=MERCHANT,
        payment_id=payment_id,
        refund_id=f"re-{number}",
        amount=amount,
        currency="EUR",
    )


def payout_request(number: int, amount: int) -> Any:
    return record(
        type="payout.create",
        id=f"pq-{number}",
        merchant_id=MERCHANT,
        payout_id=f"po-{number}",
        amount=amount,
        currency="EUR",
    )


def with_money(amount: int, occurred_at: str = RELEASED) -> Books:
    capture = capture_fact("pay-1", "pay-1", amount, command_id="a", occurred_at=occurred_at)
    books = run(Books(), [*PLAIN, capture])
    books.fire_timers(books.now)
    return books


def test_row_1_fifty_refund_requests_never_exceed_the_capture() -> None:
    """Two parallel 60 refunds on a 100 capture both succeed."""
    books = with_money(10_000)
    outcomes = [str(books.send(refund_request(number, 6_000))) for number in range(50)]
    assert outcomes == ["applied"] + ["refused:refund_exceeds_captured"] * 49
    assert books.payment("pay-1").refunded_amount == 6_000
    books.check_all()


@QUICK
@given(st.lists(st.integers(1, 4_000), min_size=20, max_size=50))
def test_row_1_any_refund_requests_fill_the_capture_at_most(amounts: list[int]) -> None:
    books = with_money(10_000)
    left = 10_000
    for number, amount in enumerate(amounts):
        outcome = books.send(refund_request(number, amount))
        assert str(outcome) == ("applied" if amount <= left else "refused:refund_exceeds_captured")
        left -= amount if outcome.name == "applied" else 0
    assert books.payment("pay-1").refunded_amount == 10_000 - left
    assert books.balance(f"m_avail:{MERCHANT}") == left
    books.check_all()


def test_row_2_a_refused_request_moves_nothing_however_often_it_is_repeated() -> None:
    """A repeated refund answers 409 yet moves money."""
    books = with_money(10_000)
    assert books.send(refund_request(1, 10_000)).name == "applied"
    before = (books.balances(), len(books.transactions), books.payment("pay-1"))
    request = refund_request(2, 1)
    assert str(books.send(request)) == "refused:refund_exceeds_captured"
    for _ in range(3):
        outcome = books.send(request)
        assert outcome.name == "duplicate"
        assert not outcome.draft.transactions
    assert (books.balances(), len(books.transactions), books.payment("pay-1")) == before
    assert [event.code for event in books.events("request.refused")] == ["refund_exceeds_captured"]


def test_row_6_held_money_is_not_available_again() -> None:
    """Holds are ignored in the balance check: available = posted - pending out, checked at the hold."""
    books = with_money(1_000)
    outcomes = [str(books.send(payout_request(number, 600))) for number in range(3)]
    assert outcomes == ["applied", "refused:insufficient_funds", "refused:insufficient_funds"]
    assert books.balance(f"m_avail:{MERCHANT}") == 400
    assert books.balance("payout_transit") == 600


def test_row_6_pending_money_is_not_paid_out() -> None:
    books = with_money(1_000, occurred_at="2026-11-20T09:00:00Z")
    assert str(books.send(payout_request(1, 1))) == "refused:insufficient_funds"


def test_row_9_what_was_refunded_is_not_paid_out_too_and_the_other_way_round() -> None:
    """A chargeback after a refund pays twice: one guard over refund, dispute and payout."""
    books = with_money(1_000)
    assert books.send(refund_request(1, 700)).name == "applied"
    assert str(books.send(payout_request(1, 301))) == "refused:insufficient_funds"
    assert books.send(payout_request(2, 300)).name == "applied"
    # 300 of the capture are not refunded yet, but the money is gone
    assert str(books.send(refund_request(2, 300))) == "refused:insufficient_funds"
    books.check_all()


def test_row_9_a_refund_fact_after_the_payout_is_booked_and_shown() -> None:
    books = with_money(1_000)
    assert books.send(payout_request(1, 1_000)).name == "applied"
    assert books.send(refund_fact("pay-1", "r-1", 400, command_id="b")).name == "applied"
    assert books.open_categories() == ["NEGATIVE_BALANCE"]
    assert str(books.send(payout_request(2, 1))) == "refused:insufficient_funds"
    assert books.send(capture_fact("pay-2", "pay-2", 400, command_id="c")).name == "applied"
    assert books.open_categories() == []


def test_row_9_a_chargeback_after_a_refund_is_booked_once_and_shown() -> None:
    books = with_money(1_000)
    assert books.send(refund_fact("pay-1", "r-1", 400, command_id="b")).name == "applied"
    assert books.send(dispute_fact("opened", "pay-1", "d-1", 1_000, command_id="d")).name == "applied"
    assert books.open_categories() == ["NEGATIVE_BALANCE", "REFUND_EXCEEDS_CAPTURE"]
    assert str(books.send(refund_request(1, 1))) == "refused:refund_exceeds_captured"
    assert str(books.send(payout_request(1, 1))) == "refused:insufficient_funds"
    assert books.send(dispute_fact("won", "pay-1", "d-1", 1_000, command_id="w")).name == "applied"
    assert books.open_categories() == []
    assert str(books.send(payout_request(2, 600))) == "applied"
    books.check_all()


def test_disputed_money_is_neither_refunded_nor_paid_out() -> None:
    books = with_money(1_000)
    assert books.send(dispute_fact("opened", "pay-1", "d-1", 700, command_id="d")).name == "applied"
    assert str(books.send(refund_request(1, 301))) == "refused:refund_exceeds_captured"
    assert str(books.send(payout_request(1, 301))) == "refused:insufficient_funds"
    assert str(books.send(refund_request(2, 300))) == "applied"
    books.check_all()


STEPS = st.one_of(
    st.tuples(st.just("capture"), st.integers(1, 3_000)),
    st.tuples(st.just("refund request"), st.integers(1, 3_000)),
    st.tuples(st.just("refund"), st.integers(1, 3_000)),
    st.tuples(st.just("payout request"), st.integers(1, 3_000)),
    st.tuples(st.just("refund.failed"), st.integers(1, 39)),
    st.tuples(st.sampled_from(("dispute.opened", "dispute.won", "dispute.lost")), st.integers(0, 3)),
    st.tuples(st.sampled_from(("paid", "failed", "returned")), st.integers(0, 9)),
    st.tuples(st.just("time"), st.integers(1, 60)),
)


@QUICK
@given(st.lists(STEPS, min_size=5, max_size=40), st.sampled_from((0, 500)))
def test_requests_keep_every_limit_among_any_facts(steps: list[tuple[str, int]], limit: int) -> None:
    """The harness proves the invariants after every record; a request never ends below a limit."""
    books = run(Books(), configuration(limit))
    for number, (what, amount) in enumerate(steps):
        if what == "time":
            books.advance(timedelta(hours=amount))
            continue
        before = _total(books)
        outcome = books.send(_command(what, amount, number))
        if outcome.name == "refused":
            assert _total(books) == before
        elif outcome.name == "applied" and what.endswith("request"):
            assert _total(books) >= -limit
            if what == "refund request":
                payment = books.payment("pay-1")
                assert payment.refunded_amount + payment.disputed_amount <= payment.captured_amount
    books.fire_timers()
    books.check_all()


def _total(books: Books) -> int:
    return books.balance(f"m_avail:{MERCHANT}") + books.balance(f"m_pend:{MERCHANT}")


def _command(what: str, amount: int, number: int) -> Any:
    if what == "capture":
        return capture_fact("pay-1", f"cap-{number}", amount, command_id=f"s{number}")
    if what == "refund":
        return refund_fact("pay-1", f"r-{number}", amount, command_id=f"s{number}")
    if what == "refund request":
        return refund_request(number, amount)
    if what == "payout request":
        return payout_request(amount % 10, amount)
    if what == "refund.failed":
        return refund_failed_fact("pay-1", f"r-{amount}", 1 + amount, command_id=f"s{number}")
    if what.startswith("dispute."):
        name = what.removeprefix("dispute.")
        return dispute_fact(name, "pay-1", f"d-{amount}", 100 + amount, command_id=f"s{number}")
    fields = {"merchant_id": MERCHANT, "payout_id": f"po-{amount}", "occurred_at": RELEASED}
    return record(type=f"payout.{what}", id=f"s{number}", **fields)
