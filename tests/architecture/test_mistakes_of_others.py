"""What went wrong in others' payment systems, by their issue trackers, and the test here that says it cannot.

The rows are those of the domain rules' list; rows 11 to 13 are about settlement files and have theirs in the
benchmark of lines, in the banking lane to come and in the calendar's tests.
"""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import CHECKOUT, tree

MISTAKES = [
    ("1 two refunds at once exceed the capture (juspay/hyperswitch#13182)", [
        "tests/domain/test_money_out.py:test_row_1_fifty_refund_requests_never_exceed_the_capture",
        "tests/api/test_parallel.py:test_parallel_refunds_never_exceed_the_capture",
        "tests/api/test_parallel.py:test_parallel_captures_never_exceed_what_is_authorised",
    ]),
    ("2 a refused refund moves money (blnkfinance/blnk#374)", [
        "tests/domain/test_money_out.py:test_row_2_a_refused_request_moves_nothing_however_often_it_is_repeated",
    ]),
    ("3 a silent retry applies twice (LerianStudio/midaz PR#2485)", [
        "tests/store/test_faults.py:test_a_commit_killed_in_the_middle_leaves_nothing",
        "tests/store/test_faults.py:test_of_two_commits_at_once_the_second_finds_the_position_moved",
    ]),
    ("4 a late event overwrites a final state (hyperswitch#9925, #10340)", [
        "tests/domain/test_fact_order.py:test_all_720_orders_of_six_facts_end_the_same",
    ]),
    ("5 a webhook is stored and never resent, or tells what is true later (hyperswitch#3408, #9278)", [
        "tests/effects/test_merchant_webhooks.py:test_the_row_is_there_and_the_worker_dies_before_it_is_sent",
    ]),
    ("6 holds are ignored in the balance check (blnk#181)", [
        "tests/domain/test_money_out.py:test_row_6_held_money_is_not_available_again",
        "tests/domain/test_money_out.py:test_row_6_pending_money_is_not_paid_out",
    ]),
    ("7 the parts of a split do not sum to the whole (blnk#73)", [
        "tests/domain/test_money.py:test_row_7_parts_of_a_split_sum_to_the_whole",
    ]),
    ("8 80 yen are charged as 8000 (Paymenter#1258)", [
        "tests/domain/test_money.py:test_row_8_golden_amounts",
        "tests/psp/test_stripe.py:test_amounts",
    ]),
    ("9 a chargeback after a refund pays twice (hyperswitch-control-center#4109)", [
        "tests/domain/test_money_out.py:test_row_9_a_chargeback_after_a_refund_is_booked_once_and_shown",
    ]),
    ("10 a deposit cannot be explained (WooPayments#8588)", [
        "tests/domain/scenarios/payouts_asked.txt:"
        "a payout is asked of a PSP, whose answer or webhook says that it was paid",
    ]),
    ("14 one hot account slows everything (formancehq/ledger#764)", ["bench/__main__.py:run"]),
    ("15 written, answered and not visible yet (midaz#1385)", [
        "tests/web/test_resources.py:TestMinPosition",
    ]),
    ("16 two webhooks at once make two payments (getlago/lago-api PR#3223)", [
        "tests/domain/test_matching_directory.py:test_two_payments_that_claim_one_id_leave_the_fact_to_nobody",
        "tests/domain/scenarios/identity.txt:the same fact by another command id is a duplicate",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(
    "place", [place for _, places in MISTAKES for place in places], ids=lambda place: place.rpartition(":")[2]
)
def test_the_test_is_there(place: str) -> None:
    file, _, name = place.partition(":")
    assert name in names_in(file), f"{file} has no {name!r}"


def names_in(file: str) -> set[str]:
    """Functions and classes of a Python file, titles of a file of scenarios."""
    path = CHECKOUT / file
    if path.suffix == ".txt":
        return {line[2:] for line in path.read_text("utf-8").splitlines() if line.startswith("= ")}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree(path)) if isinstance(node, kinds)}
