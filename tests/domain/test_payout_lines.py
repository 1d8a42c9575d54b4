"""Leg C: payouts and bank lines. The bank's account shows what the bank says, whatever came first."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.bank_payouts import BankPayout
from app.domain.banking import BankLine
from app.domain.payout import Payout
from app.domain.streams import BANKING_COMMANDS
from app.domain.workflow_state import MatchTarget
from tests.domain.test_bank_people import resolve, the
from tests.domain.three_leg_facts import OUTGO, PAID_AT, PAYER, fact, platform, prepare
from tests.support.all_lanes import AllLanes

AMOUNT = 20_000


def world(*payouts: str, merchant: str = PAYER) -> AllLanes:
    """The lanes with payouts of AMOUNT that were asked for."""
    lanes = AllLanes()
    prepare(lanes, [create(name, merchant) for name in payouts or ("po-1",)])
    return lanes


def create(name: str, merchant: str = PAYER) -> Any:
    return fact(
        type="payout.create",
        id=f"create-{name}",
        merchant_id=merchant,
        payout_id=name,
        amount=AMOUNT,
        currency="EUR",
    )


def told(kind: str, name: str = "po-1", merchant: str = PAYER, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "type": f"payout.{kind}",
        "id": f"{kind}-{name}",
        "merchant_id": merchant,
        "payout_id": name,
        "psp_payout_id": f"tr-{merchant}-{name}",
        "occurred_at": PAID_AT,
    }
    return fact(**{**fields, **changes})


def bank(amount: int, text: str | None = "PAYOUT po-1", line_id: str = "K1", **changes: Any) -> BankLine:
    fields: dict[str, Any] = {
        "account": OUTGO,
        "line_id": line_id,
        "amount": amount,
        "currency": "EUR",
        "value_date": date(2026, 11, 24),
        "remittance": text,
    }
    return BankLine(**{**fields, **changes})


def later(lanes: AllLanes, days: int = 3650) -> None:
    lanes.fire_timers(lanes.now + timedelta(days=days))


def say(lanes: AllLanes, *facts: Any) -> AllLanes:
    for one in facts:
        lanes.say(one)
        lanes.run()
    return lanes


def books(lanes: AllLanes) -> dict[str, int]:
    """What payouts touch, in EUR."""
    kept = (f"bank:{OUTGO}", "unapplied", "payout_fee", "payout_transit")
    return {account: value for (account, _), value in lanes.balances().items() if account in kept}


def opened(lanes: AllLanes) -> list[tuple[str, str]]:
    return sorted((one.leg, one.category) for one in lanes.open())


def bank_payout(lanes: AllLanes, name: str = "po-1") -> BankPayout:
    rows = lanes.rows("document", BANKING_COMMANDS)
    found = next(value for ref, value in rows if ref.key == ("bank_payout", OUTGO, f"{PAYER}/{name}"))
    assert isinstance(found, BankPayout)
    return found


def payout(lanes: AllLanes, name: str = "po-1") -> Payout:
    found = next(value for value in lanes.values("payout") if value.id == name)
    assert isinstance(found, Payout)
    return found


def test_nothing_is_posted_twice() -> None:
    for facts in permutations((told("paid", bank_fee=25), bank(-AMOUNT - 25))):
        lanes = say(world(), *facts)
        assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT - 25, "payout_fee": 25}
        assert opened(lanes) == []
        known = payout(lanes).bank
        assert known is not None
        assert (known.confirmed, known.difference, [line.line_id for line in known.lines]) == (
            True,
            0,
            ["K1"],
        )
        later(lanes)
        assert opened(lanes) == []
        assert lanes.rows("timer", BANKING_COMMANDS) == []


def test_a_line_before_the_payout_is_paid_is_nobodys_money_yet() -> None:
    lanes = say(world(), bank(-AMOUNT))
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT, "unapplied": -AMOUNT, "payout_transit": AMOUNT}
    later(lanes)
    assert opened(lanes) == [("C", "STATUS_MISMATCH")]
    say(lanes, told("paid"))
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT}
    assert opened(lanes) == []


def test_what_the_bank_keeps_within_its_tolerance_is_a_fee() -> None:
    lanes = say(world(), told("paid", bank_fee=25), bank(-AMOUNT - 60))
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT - 60, "payout_fee": 60}
    assert opened(lanes) == []


@pytest.mark.parametrize(("more", "category"), [(-900, "AMOUNT_OVER"), (900, "AMOUNT_UNDER")])
def test_what_goes_beyond_lies_in_unapplied(more: int, category: str) -> None:
    lanes = say(world(), told("paid"), bank(-AMOUNT + more))
    later(lanes)
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT + more, "unapplied": more}
    assert opened(lanes) == [("C", category)]
    [found] = lanes.open()
    assert (found.expected_amount, found.actual_amount) == (-AMOUNT, -AMOUNT + more)
    assert found.merchant_id == PAYER


def test_a_first_part_is_partial_until_the_window_closes() -> None:
    lanes = say(world(), told("paid"), bank(-5_000))
    assert opened(lanes) == [("C", "PARTIAL_SETTLEMENT")]
    say(lanes, bank(5_000 - AMOUNT, line_id="K2"))
    assert opened(lanes) == []
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT}


def test_a_payout_without_a_bank_line_is_missing() -> None:
    lanes = say(world(), told("paid"))
    assert opened(lanes) == []
    later(lanes)
    assert opened(lanes) == [("C", "MISSING_BANK")]
    say(lanes, bank(-AMOUNT))
    assert opened(lanes) == []


def test_one_that_failed_is_not_waited_for() -> None:
    lanes = say(world(), told("failed"))
    later(lanes)
    assert opened(lanes) == []


def test_a_returned_payout_comes_back_at_the_bank() -> None:
    facts = (told("paid"), told("returned"), bank(-AMOUNT), bank(AMOUNT, line_id="K2"))
    for order in permutations(facts):
        lanes = say(world(), *order)
        assert books(lanes) == {}
        later(lanes)
        assert opened(lanes) == []
        assert payout(lanes).status == "returned"
        known = payout(lanes).bank
        assert known is not None
        assert (known.confirmed, known.difference) == (True, 0)


def test_the_only_one_of_its_amount_is_found_when_the_windows_close() -> None:
    lanes = say(world("po-1", "po-2"), told("paid"), told("paid", "po-2"), bank(-AMOUNT, "TRANSFER"))
    later(lanes)
    assert opened(lanes) == [("B", "AMBIGUOUS"), ("C", "MISSING_BANK"), ("C", "MISSING_BANK")]
    lanes = say(world(), told("paid"), bank(-AMOUNT, "TRANSFER"))
    later(lanes)
    assert opened(lanes) == []
    assert bank_payout(lanes).matched == "K1"
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT}


def test_a_name_displaces_an_amount() -> None:
    lanes = say(world(), told("paid"), bank(-AMOUNT, "TRANSFER"))
    later(lanes)
    say(lanes, bank(-AMOUNT, line_id="K2"))
    later(lanes)
    assert bank_payout(lanes).lines == ("K2",)
    assert opened(lanes) == [("B", "UNEXPECTED_BANK")]
    assert books(lanes) == {f"bank:{OUTGO}": -2 * AMOUNT, "unapplied": -AMOUNT}


def test_one_line_pays_several_payouts_that_it_names() -> None:
    names = ("po-1", "po-2", "po-3")
    facts = [*(told("paid", name) for name in names), bank(-3 * AMOUNT, "SUM po-1 po-2 po-3")]
    for order in permutations(facts):
        lanes = say(world(*names), *order)
        assert books(lanes) == {f"bank:{OUTGO}": -3 * AMOUNT}
        assert opened(lanes) == []


def test_a_correction_of_a_line_is_booked_and_judged_anew() -> None:
    lanes = say(world(), told("paid"), bank(-AMOUNT - 900), bank(-AMOUNT))
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT}
    assert opened(lanes) == []
    say(lanes, bank(-AMOUNT, "SOMETHING ELSE"))
    assert bank_payout(lanes).lines == ()
    assert books(lanes) == {f"bank:{OUTGO}": -2 * AMOUNT, "unapplied": -AMOUNT}
    assert payout(lanes).bank is not None
    assert payout(lanes).bank.lines == ()  # type: ignore[union-attr]


def test_two_merchants_may_use_one_name() -> None:
    """Then the name is nobody's: the whole name, the PSP's id or the amount has to tell."""
    lanes = AllLanes()
    prepare(lanes, [create("po-1"), create("po-1", "m-1")])
    say(lanes, told("paid"), bank(-AMOUNT), told("paid", merchant="m-1"))
    assert bank_payout(lanes).lines == ()
    say(lanes, bank(-AMOUNT, f"PAYOUT {PAYER}/po-1", "K2"), bank(-AMOUNT, "tr-m-1-po-1", "K3"))
    assert bank_payout(lanes).lines == ("K2",)
    later(lanes)
    assert opened(lanes) == [("B", "UNEXPECTED_BANK")]
    assert books(lanes) == {f"bank:{OUTGO}": -3 * AMOUNT, "unapplied": -AMOUNT}


def test_an_account_whose_lines_show_no_payouts_hears_of_none() -> None:
    lanes = AllLanes()
    prepare(lanes, [])
    quiet = platform()
    lanes.say(type(quiet)(id="cfg-2", psps=quiet.psps, payout_account=OUTGO))
    say(lanes, create("po-1"), told("paid"))
    later(lanes)
    assert opened(lanes) == []
    assert lanes.rows("document", BANKING_COMMANDS) == []


def test_people_accept_what_the_bank_kept() -> None:
    lanes = say(world(), told("paid"), bank(-AMOUNT - 900))
    resolve(lanes, "AMOUNT_OVER", "accept_as_fee")
    assert books(lanes) == {f"bank:{OUTGO}": -AMOUNT - 900}
    assert lanes.balances()["fee_variance", "EUR"] == 900
    later(lanes)
    assert opened(lanes) == []
    assert the(lanes, "AMOUNT_OVER").status == "resolved"


def test_people_give_a_line_to_a_payout() -> None:
    lanes = say(world("po-1", "po-2"), told("paid"), told("paid", "po-2"), bank(-AMOUNT, "TRANSFER"))
    later(lanes)
    home = f"payout:{PAYER}/po-2"
    target = MatchTarget(merchant_id="-", payment_id="-", object_id="-", home=home)
    resolve(lanes, "AMBIGUOUS", "force_match", target)
    assert bank_payout(lanes, "po-2").lines == ("K1",)
    assert opened(lanes) == [("C", "MISSING_BANK")]
    later(lanes)
    assert opened(lanes) == [("C", "MISSING_BANK")]
    assert books(lanes) == {f"bank:{OUTGO}": -2 * AMOUNT}


@given(
    st.lists(st.integers(-30_000, 30_000).filter(bool), max_size=4),
    st.permutations(["paid", "returned", "failed"]),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_the_bank_is_what_its_lines_say(amounts: list[int], kinds: list[str], many: int, chance: Any) -> None:
    """Once a line of each direction is there, our account and the bank agree; unapplied has the rest."""
    lines = [bank(amount, line_id=f"K{n}") for n, amount in enumerate(amounts)]
    facts = [*(told(kind) for kind in kinds[:many]), *lines]
    chance.shuffle(facts)
    lanes = say(world(), *facts)
    known = set(kinds[:many])
    unseen = (-AMOUNT if "paid" in known and min(amounts, default=0) >= 0 else 0) + (
        AMOUNT if "returned" in known and max(amounts, default=0) <= 0 else 0
    )
    assert lanes.balances().get((f"bank:{OUTGO}", "EUR"), 0) == sum(amounts) + unseen
    later(lanes)
    assert lanes.balances().get((f"bank:{OUTGO}", "EUR"), 0) == sum(amounts) + unseen
