"""Every permutation of one payment's facts, doubled, ends in the same state, books and open mismatches.

The facts come as a PSP tells them: each may be delivered twice (the same id) and told twice (another id).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.domain import START, Books, run
from tests.support.facts import (
    at_hour,
    capture_fact,
    configuration,
    dispute_fact,
    end_state,
    refund_fact,
    refund_failed_fact,
    status_fact,
)
from tests.support.properties import QUICK

AMOUNT = 1_000
PSP: dict[str, Any] = {"psp_payment_id": "pi-pay-1"}


def told(name: str, again: str = "") -> Any:
    """One of the facts of `pay-1`, at its own hour; `again` makes it the same fact under another id."""
    fields: dict[str, Any] = {"command_id": f"{name}{again}"}
    if name in ("authorized", "action_required", "failed", "voided", "expired"):
        hour = {"authorized": 0, "failed": 1, "action_required": 1, "voided": 3, "expired": 4}[name]
        return status_fact(name, "pay-1", AMOUNT, occurred_at=at_hour(hour), **fields)
    if name == "captured":
        return capture_fact("pay-1", "pay-1", AMOUNT, occurred_at=at_hour(2), **PSP, **fields)
    if name == "refunded":
        return refund_fact("pay-1", "r-1", 300, occurred_at=at_hour(5), **fields)
    if name == "refund_failed":
        return refund_failed_fact("pay-1", "r-1", 300, occurred_at=at_hour(6), **fields)
    kind = name.removeprefix("dispute_")
    more: dict[str, Any] = {"opened": {"fee": 15}, "won": {"fee_returned": 15}}.get(kind, {})
    hour = {"opened": 7, "won": 9, "lost": 8}[kind]
    return dispute_fact(kind, "pay-1", "d-1", 800, occurred_at=at_hour(hour), **more, **fields)


SIX = {
    "won": ("authorized", "captured", "refunded", "dispute_opened", "dispute_won", "failed"),
    "lost": ("authorized", "captured", "refunded", "dispute_opened", "dispute_lost", "failed"),
    "won and lost": ("captured", "refunded", "dispute_opened", "dispute_won", "dispute_lost", "expired"),
    "voided": ("authorized", "captured", "refunded", "dispute_opened", "dispute_won", "voided"),
    "refund failed": (
        "authorized",
        "captured",
        "refunded",
        "refund_failed",
        "dispute_opened",
        "dispute_lost",
    ),
    "not captured": ("authorized", "action_required", "failed", "voided", "refunded", "dispute_opened"),
}
ENDS = {
    "won": ("captured", "won", 0, 300, []),
    "lost": ("captured", "lost", 800, 300, ["NEGATIVE_BALANCE", "REFUND_EXCEEDS_CAPTURE"]),
    "won and lost": ("captured", "won", 0, 300, ["STATUS_MISMATCH"]),
    "voided": ("captured", "won", 0, 300, ["STATUS_MISMATCH"]),
    "refund failed": ("captured", "lost", 800, 0, []),
    "not captured": ("voided", "none", 0, 0, ["DISPUTE_UNMATCHED", "MISSING_PAYMENT"]),
}


def begun() -> Books:
    return run(Books(), configuration())


def told_to(books: Books, fact: Any) -> Books:
    assert books.send(fact).name in ("applied", "duplicate", "parked")
    return books


def at_rest(books: Books) -> Books:
    books.fire_timers()
    books.check_all()
    return books


def after(facts: list[Any]) -> Books:
    books = begun()
    for fact in facts:
        told_to(books, fact)
    return at_rest(books)


def every_order(books: Books, facts: list[Any]) -> Iterator[Books]:
    """The books after each permutation; what permutations have in common is decided once."""
    if not facts:
        yield at_rest(books)
    for position, fact in enumerate(facts):
        rest = facts[:position] + facts[position + 1 :]
        yield from every_order(told_to(books.fork(), fact), rest)


@pytest.mark.parametrize("case", SIX)
def test_all_720_orders_of_six_facts_end_the_same(case: str) -> None:
    count, first = 0, None
    for books in every_order(begun(), [told(name) for name in SIX[case]]):
        count += 1
        state = end_state(books)
        first = first or state
        assert state == first
    assert count == 720
    payment = books.payment("pay-1")
    found = (payment.status, payment.dispute_status, payment.disputed_amount, payment.refunded_amount)
    assert (*found, books.open_categories()) == ENDS[case]


@QUICK
@given(st.sampled_from(sorted(SIX)), st.integers(0, 2**32))
def test_doubled_and_shuffled_facts_end_as_the_facts_alone(case: str, seed: int) -> None:
    """Each is delivered twice and told again under another id, anywhere in between."""
    names = [
        name for name in SIX[case] if case != "not captured" or name not in ("refunded", "dispute_opened")
    ]
    once = [told(name) for name in names]
    doubled = [*once, *once, *(told(name, "-again") for name in names)]
    Random(seed).shuffle(doubled)
    assert end_state(after(doubled)) == end_state(after(once))


def test_what_waits_doubled_is_decided_once_when_its_payment_comes() -> None:
    waiting = [
        told(name, again) for name in ("refunded", "dispute_opened", "dispute_won") for again in ("", "!")
    ]
    books = after(waiting)
    assert books.open_categories() == ["DISPUTE_UNMATCHED", "MISSING_PAYMENT"]
    for fact in waiting:
        assert books.send(fact).name == "duplicate"
    assert books.send(told("captured")).name == "applied"
    books.fire_timers()
    books.check_all()
    alone = after([told("captured"), *waiting])
    assert end_state(books) == end_state(alone)
    assert [t.kind for t in books.transactions].count("dispute_opened") == 1


def test_a_psps_dispute_and_ours_are_one_in_every_order() -> None:
    ours: dict[str, Any] = {"psps": False, "occurred_at": START.isoformat()}
    facts = [
        told("captured"),
        told("dispute_opened"),
        told("dispute_lost"),
        dispute_fact("opened", "pay-1", "upstreams", 800, fee=20, command_id="u1", **ours),
        dispute_fact("opened", "pay-1", "line:acq/L1", 800, command_id="u2", **ours),
    ]
    ends = list(every_order(begun(), facts))
    assert all(end_state(end) == end_state(ends[0]) for end in ends)
    (dispute,) = ends[0].payment("pay-1").disputes.values()
    assert (dispute.standing.fee, dispute.stage, len(dispute.reports)) == (15, "lost", 4)


def test_disputes_that_pair_by_figures_pair_the_same_in_every_order() -> None:
    """Two of the PSP's and two of ours, all of one amount, one of ours named by the PSP."""
    at: dict[str, Any] = {"occurred_at": START.isoformat()}
    facts = [
        capture_fact("pay-1", "pay-1", 5_000, command_id="c", **PSP),
        dispute_fact("opened", "pay-1", "d-2", 800, command_id="p2", **at),
        dispute_fact("opened", "pay-1", "d-1", 800, command_id="p1", **at),
        dispute_fact("opened", "pay-1", "a-1", 800, psps=False, fee=20, command_id="u1", **at),
        dispute_fact("lost", "pay-1", "d-1", 800, psps=False, command_id="u2", **at),
    ]
    ends = [end_state(books) for books in every_order(begun(), facts)]
    assert all(end == ends[0] for end in ends)
