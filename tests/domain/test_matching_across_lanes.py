"""What the merchant lane announces meets the settlement lines: both lanes' books together come to rest."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from app.domain.configuration import FeePlan
from app.domain.settlement import LineRecorded
from tests.support.matching_world import line
from tests.support.two_lanes import TwoLanes

PLAN = FeePlan(bps=290, fixed={"EUR": 30})
PSP_FACT = {
    "type": "payment.record",
    "id": "c1",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "amount": 10_000,
    "currency": "EUR",
    "psp": "stripe",
    "psp_payment_id": "pi_1",
    "order_ref": "o-1",
    "occurred_at": "2026-11-20T09:00:00Z",
}
OUR_FACT = {**PSP_FACT, "id": "c0", "psp_payment_id": None}
REFUND = {
    "type": "refund.record",
    "id": "r1",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "refund_id": "re-1",
    "amount": 500,
    "currency": "EUR",
    "psp_refund_id": "re_1",
    "occurred_at": "2026-11-20T10:00:00Z",
}
FAILED = {**REFUND, "type": "refund.failed", "id": "r2", "occurred_at": "2026-11-20T11:00:00Z"}
DISPUTE = {
    "type": "dispute.opened",
    "id": "d1",
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "dispute_id": "dp-1",
    "psp_dispute_id": "dp_1",
    "amount": 10_000,
    "currency": "EUR",
    "fee": 1_500,
    "occurred_at": "2026-11-20T12:00:00Z",
}
OUR_DISPUTE = {**DISPUTE, "id": "d0", "psp_dispute_id": None}
LOST = {**DISPUTE, "type": "dispute.lost", "id": "d2", "occurred_at": "2026-11-20T13:00:00Z"}
WON = {**LOST, "type": "dispute.won", "id": "d3"}
LINE: Any = line(fee=320)
CHARGEBACK_LINE: Any = line("L3", gross=-10_000, fee=1_500, kind="chargeback", psp_payment_id="dp_1")
REVERSAL_LINE: Any = line("L4", gross=10_000, kind="chargeback_reversal", psp_payment_id="dp_1")
REFUND_LINE: Any = line("L2", gross=-500, kind="refund", psp_payment_id="re_1")


def after(*facts: dict[str, Any] | LineRecorded, plan: FeePlan | None = PLAN) -> TwoLanes:
    lanes = TwoLanes(plan)
    for fact in facts:
        if isinstance(fact, LineRecorded):
            lanes.matching.send(fact)
        else:
            lanes.send_fields(fact)
        lanes.hear()
    lanes.matching.fire_timers()
    lanes.hear()
    return lanes


def clearing(lanes: TwoLanes) -> dict[str, int]:
    """What is left on the accounts that have to come to zero."""
    return {
        account: balance
        for (account, _), balance in lanes.balances().items()
        if account.startswith(("psp_recv:", "unapplied", "disp_recv:", "m_hold:"))
    }


@pytest.mark.parametrize("plan", [PLAN, None], ids=["plan", "no plan"])
@pytest.mark.parametrize("facts", permutations((PSP_FACT, REFUND, LINE, REFUND_LINE)))
def test_a_settled_payment_and_refund_leave_nothing_behind(
    facts: tuple[Any, ...], plan: FeePlan | None
) -> None:
    if facts.index(REFUND) < facts.index(PSP_FACT):
        facts = (*(fact for fact in facts if fact is not REFUND), REFUND)  # the engine parks it until then
    lanes = after(*facts, plan=plan)
    assert clearing(lanes) == {}
    assert lanes.matching.categories() == []
    assert lanes.balances()["transit:acq:B1", "EUR"] == LINE.net + REFUND_LINE.net


def test_the_psps_record_of_our_payment_moves_the_expectation_to_its_stronger_home() -> None:
    for facts in permutations((OUR_FACT, PSP_FACT, LINE)):
        lanes = after(*facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_another_figure_of_the_psp_is_what_is_expected() -> None:
    more = {**PSP_FACT, "amount": 11_000}
    bigger: Any = line(gross=11_000, fee=349)
    for facts in permutations((OUR_FACT, more, bigger)):
        lanes = after(*facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_the_psps_record_of_our_refund_moves_its_expectation() -> None:
    ours = {**REFUND, "id": "r0", "psp_refund_id": None}
    for facts in permutations((ours, REFUND, REFUND_LINE)):
        lanes = after(PSP_FACT, LINE, *facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_a_requested_refund_is_expected_once_the_psp_confirms_it() -> None:
    request = {key: REFUND[key] for key in ("merchant_id", "payment_id", "refund_id", "amount", "currency")}
    requested = after(PSP_FACT, LINE, {**request, "type": "refund.create", "id": "r0"})
    assert requested.matching.categories() == []
    confirmed = after(PSP_FACT, LINE, {**request, "type": "refund.create", "id": "r0"}, REFUND, REFUND_LINE)
    assert (confirmed.matching.categories(), clearing(confirmed)) == ([], {})


def test_what_is_not_settled_stays_receivable_and_is_missing() -> None:
    lanes = after(PSP_FACT, REFUND, REFUND_LINE)
    assert lanes.matching.categories() == ["MISSING_SETTLEMENT"]
    assert clearing(lanes) == {"psp_recv:stripe": 9_680}


@pytest.mark.parametrize("facts", permutations((DISPUTE, LOST, LINE, CHARGEBACK_LINE)))
def test_a_dispute_that_was_lost_and_settled_leaves_nothing_behind(facts: tuple[Any, ...]) -> None:
    lanes = after(PSP_FACT, *facts)
    assert (lanes.matching.categories(), clearing(lanes)) == ([], {})


@pytest.mark.parametrize("facts", permutations((DISPUTE, WON, CHARGEBACK_LINE, REVERSAL_LINE)))
def test_a_dispute_that_was_won_and_given_back_leaves_nothing_behind(facts: tuple[Any, ...]) -> None:
    lanes = after(PSP_FACT, LINE, *facts)
    assert (lanes.matching.categories(), clearing(lanes)) == ([], {})


@pytest.mark.parametrize("plan", [PLAN, None], ids=["plan", "no plan"])
def test_the_fee_of_a_dispute_that_was_won_comes_back_with_it(plan: FeePlan | None) -> None:
    won = {**WON, "fee_returned": 1_500}
    given_back = line("L4", gross=10_000, fee=-1_500, kind="chargeback_reversal", psp_payment_id="dp_1")
    for facts in permutations((DISPUTE, won, CHARGEBACK_LINE, given_back)):
        lanes = after(PSP_FACT, LINE, *facts, plan=plan)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_a_dispute_s_fee_that_does_not_come_back_is_a_variance() -> None:
    lanes = after(PSP_FACT, LINE, CHARGEBACK_LINE, REVERSAL_LINE, DISPUTE, {**WON, "fee_returned": 1_500})
    assert lanes.matching.categories() == ["FEE_VARIANCE"]
    (found,) = lanes.matching.open()
    assert (found.expected_amount, found.actual_amount) == (-1_500, 0)


def test_a_dispute_no_longer_won_withdraws_what_it_would_have_given_back() -> None:
    later = {**LOST, "occurred_at": "2026-11-20T14:00:00Z"}
    for facts in permutations((DISPUTE, WON, later)):
        lanes = after(PSP_FACT, LINE, CHARGEBACK_LINE, *facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_the_psps_dispute_moves_the_expectation_of_ours_to_its_stronger_home() -> None:
    for facts in permutations((OUR_DISPUTE, DISPUTE, LOST, CHARGEBACK_LINE)):
        lanes = after(PSP_FACT, LINE, *facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_a_refund_that_failed_is_expected_no_longer() -> None:
    for facts in permutations((REFUND, FAILED, LINE)):
        lanes = after(PSP_FACT, *facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_our_payment_and_its_line_meet_under_an_order_number_or_the_psps_id_told_elsewhere() -> None:
    """Neither is the home of the expectation: pointers lead the line there."""
    authorized = {**PSP_FACT, "type": "payment.authorized", "id": "c9"}
    del authorized["order_ref"]
    by_order: Any = line(fee=320, psp_payment_id=None, merchant_ref="o-1")
    for facts in permutations((OUR_FACT, by_order)):
        lanes = after(*facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts
    for facts in permutations((OUR_FACT, authorized, LINE)):
        lanes = after(*facts)
        assert (lanes.matching.categories(), clearing(lanes)) == ([], {}), facts


def test_a_payment_is_matched_once_its_line_is_there_in_every_order() -> None:
    for facts in permutations((OUR_FACT, PSP_FACT, LINE)):
        assert after(*facts).payment("pay-1").settlement_status == "matched", facts


def test_a_payment_that_turned_out_larger_is_matched_no_longer() -> None:
    larger = {**PSP_FACT, "amount": 11_000}
    for facts in permutations((OUR_FACT, larger, LINE)):
        lanes = after(*facts)
        assert lanes.payment("pay-1").settlement_status == "none", facts
