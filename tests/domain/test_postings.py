"""Posting rules: balanced for any amounts, complete as a table, and a draft that refuses what is not."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import postings
from app.domain.accounts import CREDIT, DEBIT, NORMAL_SIDE, prefix, signed
from app.domain.decision import Draft, InvariantBroken, Leg, Source
from app.domain.fields import MAX_AMOUNT
from app.domain.streams import PAYMENTS_COMMANDS
from tests.support.domain import START, StrictView
from tests.support.properties import QUICK

AMOUNT = st.integers(1, MAX_AMOUNT)


def imbalance(legs: postings.Legs) -> int:
    return sum(leg.amount if leg.direction == DEBIT else -leg.amount for leg in legs)


@QUICK
@given(AMOUNT, st.data())
def test_every_rule_balances_for_any_amounts(amount: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, amount))
    merchant_part = data.draw(st.integers(0, amount - part))
    rules = [
        postings.capture("m", "s", "EUR", amount, part, None, 0),
        postings.capture("m", "s", "EUR", amount, part, merchant_part + 1, merchant_part),
        postings.release("m", "EUR", amount),
        postings.advance("m", "EUR", amount),
        postings.refund("m", "s", "EUR", part, amount - part),
        postings.payout_started("m", "EUR", amount),
        postings.payout_paid("main", "EUR", amount, part),
        postings.payout_failed("m", "EUR", amount),
        postings.payout_returned("m", "main", "EUR", amount),
    ]
    for legs in rules:
        assert imbalance(legs) == 0
        assert all(leg.amount >= 0 and prefix(leg.account) in NORMAL_SIDE for leg in legs)
        assert imbalance([*legs, *postings.reversal(legs)]) == 0


@QUICK
@given(AMOUNT, AMOUNT)
def test_a_reversal_takes_every_account_back(amount: int, fee: int) -> None:
    legs = postings.payout_paid("main", "EUR", amount, fee)
    totals: dict[str, int] = {}
    for leg in [*legs, *postings.reversal(legs)]:
        totals[leg.account] = totals.get(leg.account, 0) + signed(leg.account, leg.direction, leg.amount)
    assert set(totals.values()) == {0}


def test_the_table_names_every_rule() -> None:
    rules = {
        function
        for _, function in inspect.getmembers(postings, inspect.isfunction)
        if function.__module__ == postings.__name__
        and inspect.signature(function).return_annotation == postings.Legs
    }
    assert rules == set(postings.RULES.values())


def draft(rows: dict | None = None) -> Draft:  # type: ignore[type-arg]
    class Everything(StrictView):
        def get(self, ref):  # type: ignore[no-untyped-def]
            return self._rows.get(ref)

    return Draft(Everything(rows or {}, set()), Source(PAYMENTS_COMMANDS, 0, 7, "m", START))


@pytest.mark.parametrize(
    "legs",
    [
        [],
        [Leg("suspense", DEBIT, 0, "EUR"), Leg("unapplied", CREDIT, 0, "EUR")],
        [Leg("suspense", DEBIT, 1, "EUR")],
        [Leg("suspense", DEBIT, 1, "EUR"), Leg("unapplied", CREDIT, 1, "USD")],
        [Leg("suspense", DEBIT, -1, "EUR"), Leg("unapplied", CREDIT, -1, "EUR")],
    ],
)
def test_what_does_not_balance_cannot_be_posted(legs: list[Leg]) -> None:
    with pytest.raises(InvariantBroken):
        draft().post("x", legs, START)


def test_entries_carry_the_balance_after_them_and_zero_legs_are_left_out() -> None:
    work = draft()
    work.post("capture", postings.capture("m", "s", "EUR", 100, 0), START, "m", "p")
    work.post("refund", postings.refund("m", "s", "EUR", 30, 0), START, "m", "p")
    entries = [entry for transaction in work.transactions for entry in transaction.entries]
    assert [(entry.account, entry.balance_after) for entry in entries] == [
        ("psp_recv:s", 100),
        ("m_pend:m", 100),
        ("m_pend:m", 70),
        ("psp_recv:s", 70),
    ]
    assert [transaction.id for transaction in work.transactions] == ["pc.0.7.0", "pc.0.7.1"]
