"""Any order of the same facts ends in the same state: configuration first, no requests, timers last."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import START, Books, record, run
from tests.support.facts import MERCHANT, capture_fact, configuration, end_state, fact_sets, refund_fact
from tests.support.properties import THOROUGH

FACTS_END_AS = {"applied", "duplicate", "parked"}


def ended(facts: list[Any], setup: list[Any] | None = None) -> Books:
    books = run(Books(), configuration() if setup is None else setup)
    for fact in facts:
        outcome = books.send(fact)
        assert outcome.name in FACTS_END_AS, outcome
    books.fire_timers()
    books.check_all()
    return books


@THOROUGH
@given(st.data())
def test_any_order_of_facts_ends_the_same(data: st.DataObject) -> None:
    facts = data.draw(fact_sets())
    one = data.draw(st.permutations(facts))
    other = data.draw(st.permutations(facts))
    assert end_state(ended(one)) == end_state(ended(other))


EVENTFUL = [
    capture_fact("pay-1", "pay-1", 1_000, command_id="a", payer={"tax_id": "DE1"}, invoice_id="INV-1"),
    capture_fact("pay-1", "pay-1", 900, psps=False, command_id="b"),
    refund_fact("pay-1", "r-1", 1_200, command_id="c"),
    refund_fact("pay-1", "r-1", 1_100, psps=False, command_id="d"),
    capture_fact("pay-2", "pay-2", 1_000, command_id="e", payer={"tax_id": "DE1"}, invoice_id="INV-1"),
]


def test_row_4_every_permutation_of_one_payments_facts_ends_the_same() -> None:
    """A sync or late event overwrites a terminal state."""
    ends = [end_state(ended(list(order))) for order in permutations(EVENTFUL)]
    assert len(ends) == 120
    assert all(end == ends[0] for end in ends)
    categories = sorted(row[0] for row in ends[0]["open"].values())
    assert categories == [
        "AMOUNT_OVER",
        "AMOUNT_OVER",
        "DUPLICATE_PAYMENT",
        "REFUND_EXCEEDS_CAPTURE",
    ]


@pytest.mark.parametrize("funded", [1_000, 100_000])
def test_row_4_every_permutation_of_a_payouts_facts_ends_the_same(funded: int) -> None:
    start = [
        *configuration(),
        capture_fact("pay-0", "pay-0", funded, command_id="f", occurred_at="2026-01-01T00:00:00Z"),
    ]
    create = record(
        type="payout.create", id="q", merchant_id=MERCHANT, payout_id="po-1", amount=900, currency="EUR"
    )
    fields: dict[str, Any] = {"merchant_id": MERCHANT, "payout_id": "po-1", "occurred_at": START.isoformat()}
    facts = [
        record(type="payout.paid", id="p1", bank_fee=25, psp_payout_id="tr_1", **fields),
        record(type="payout.failed", id="p2", **fields),
        record(type="payout.returned", id="p3", psp_payout_id="tr_1", **fields),
        record(type="payout.paid", id="p4", bank_fee=25, psp_payout_id="tr_1", **fields),
    ]
    subsets = [subset for size in (1, 2, 3) for subset in combinations(facts[:3], size)]
    for subset in [*subsets, facts]:
        ends = []
        for order in permutations(subset):
            for before in range(len(subset) + 1):
                books = run(Books(), start)
                books.fire_timers()
                run(books, order[:before])
                assert books.send(create).name == "applied"
                run(books, order[before:])
                books.fire_timers()
                books.check_all()
                ends.append(end_state(books))
        assert all(end == ends[0] for end in ends)


def test_row_16_two_reports_of_one_psp_payment_make_one_payment() -> None:
    """Two webhooks at once create two payments."""
    reports = [
        record(
            type="payment.record",
            id=f"w{number}",
            merchant_id=MERCHANT,
            payment_id=payment_id,
            amount=500,
            currency="EUR",
            psp="stripe",
            psp_payment_id="pi_1",
            occurred_at=START.isoformat(),
        )
        for number, payment_id in enumerate(("pay-a", "pay-b", "pay-a", "pay-b"))
    ]
    for order in permutations(reports):
        books = run(Books(), [*configuration(), *order])
        assert len(books.of_kind("payment")) == 1
        assert len(books.transactions) == 1
        assert len(books.expectations()) == 1


def test_any_number_of_lookalikes_opens_one_mismatch_for_each_but_one() -> None:
    lookalikes = [
        capture_fact(
            f"pay-{number}",
            f"pay-{number}",
            700,
            command_id=f"l{number}",
            payer={"tax_id": "DE1"},
            invoice_id="INV-7",
        )
        for number in range(4)
    ]
    ends = []
    for order in permutations(lookalikes):
        books = ended(list(order))
        assert books.open_categories() == ["DUPLICATE_PAYMENT"] * 3
        assert all("duplicate_payment" in payment.flags for _, payment in books.of_kind("payment"))
        ends.append(end_state(books))
    assert all(end == ends[0] for end in ends)
