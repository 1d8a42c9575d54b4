"""The labelled sets, labels hidden: exact tables, precision and recall per class, and no miss unexplained.

`python -m tests.recon.report` prints all of it. Exact, so that whatever changes a verdict is seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.recon import context_01, context_03
from tests.recon.scoring import AMOUNT, PAIRED, Labelled, Score, Scored
from tests.support.fixtures import shared_fixture

ORDERS = pytest.mark.parametrize("seed", [None, 1], ids=["files' order", "shuffled"])


def table(scored: Scored) -> dict[str, dict[str, int]]:
    return {label: dict(counts) for (_, label), counts in scored.table.items()}


def check(scored: Scored, wanted: Mapping[str, Score], reasons: Mapping[str, int]) -> None:
    assert scored.unexplained == []
    assert scored.scores == wanted
    assert scored.reasons() == reasons


@ORDERS
def test_a_ledger_against_a_card_acquirer(seed: int | None) -> None:
    lanes, scored = context_01.main(shared_fixture(*context_01.FOLDER), seed)
    assert table(scored) == {
        "exact_order_and_authorization_match": {PAIRED: 603, "LATE": 101, "MISSING_PAYMENT": 16},
        "amount_tolerance_candidate": {PAIRED: 16, "LATE": 3},
        "settlement_lag_candidate": {
            PAIRED: 12,
            "LATE": 32,
            "MISSING_PAYMENT": 2,
            "DUPLICATE_SETTLEMENT": 1,
        },
        "fee_variance_candidate": {"FEE_VARIANCE": 13, "FEE_VARIANCE+LATE": 4, "MISSING_PAYMENT": 1},
        "amount_mismatch_outside_tolerance": {
            "AMOUNT_OVER": 5,
            "AMOUNT_OVER+LATE": 1,
            "AMOUNT_OVER+FEE_VARIANCE": 8,
            "AMOUNT_OVER+FEE_VARIANCE+LATE": 1,
            "MISSING_PAYMENT": 1,
        },
        "duplicate_settlement_candidate": {"DUPLICATE_SETTLEMENT": 29, PAIRED: 1},
        "acquirer_only_settlement": {"MISSING_PAYMENT": 150},
        "ledger_sale_candidate": {PAIRED: 800, "MISSING_SETTLEMENT": 20},
        "ledger_only": {"MISSING_SETTLEMENT": 120},
        "ledger_chargeback": {PAIRED: 60},
        "chargeback_only_unmatched": {"DISPUTE_UNMATCHED": 634},
        "chargeback_links_to_original_order": {PAIRED: 297, "LATE": 60},
        "duplicate_chargeback_candidate": {"DUPLICATE_SETTLEMENT": 9},
    }
    wanted = {
        PAIRED: Score(2023, 1985, 1984),
        AMOUNT: Score(16, 15, 15),
        "DISPUTE_UNMATCHED": Score(634, 634, 634),
        "DUPLICATE_SETTLEMENT": Score(39, 39, 38),
        "FEE_VARIANCE": Score(18, 17, 17),
        "MISSING_PAYMENT": Score(150, 170, 150),
        "MISSING_SETTLEMENT": Score(120, 140, 120),
    }
    check(
        scored,
        wanted,
        {
            "the ledger has no such order": 20,
            "the settlement file has no such order": 20,
            "the row that is called a repeat was booked before the one that is not": 2,
        },
    )
    assert lanes.unhappy == []
    lanes.balances()


@ORDERS
def test_a_fee_statement_apart_from_the_settlements(tmp_path: Path, seed: int | None) -> None:
    _, scored = context_01.fees(shared_fixture(*context_01.FOLDER), tmp_path, seed)
    wanted = {
        PAIRED: Score(832, 769, 769),
        "FEE_VARIANCE": Score(18, 61, 17),
        "MISSING_PAYMENT": Score(150, 170, 150),
    }
    check(
        scored,
        wanted,
        {
            "the ledger has no such order": 20,
            "the order's fee was charged 3 times for one sale": 44,
        },
    )


@ORDERS
def test_a_marketplace_and_its_gateway(seed: int | None) -> None:
    lanes, scored = context_03.main(shared_fixture(*context_03.FOLDER), seed)
    assert table(scored) == {
        "order_gateway_payout_candidate": {PAIRED: 809, "MISSING_SETTLEMENT": 71},
        "order_has_refund": {PAIRED: 53, "MISSING_SETTLEMENT": 4},
        "order_needs_review": {context_03.IN_DISPUTE: 31},
        "order_not_captured_yet": {context_03.NOT_CAPTURED: 32},
        "gateway_matches_order": {PAIRED: 805},
        "gateway_amount_tolerance_candidate": {PAIRED: 22},
        "gateway_refunded": {PAIRED: 52, "MISSING_PAYMENT": 1},
        "gateway_amount_mismatch": {"AMOUNT_OVER": 3, "AMOUNT_OVER+FEE_VARIANCE": 9},
        "gateway_failed_no_payout": {context_03.NO_MONEY: 28},
        "gateway_only_unmatched": {"MISSING_PAYMENT": 80},
        "refund_links_to_gateway_and_order": {context_03.REFUND_NOT_SETTLED: 233, "MISSING_PAYMENT": 7},
        "refund_only_unmatched": {"MISSING_PAYMENT": 760},
    }
    wanted = {
        PAIRED: Score(1817, 1741, 1741),
        AMOUNT: Score(12, 12, 12),
        "MISSING_PAYMENT": Score(840, 848, 840),
        "MISSING_SETTLEMENT": Score(0, 75, 0),
        context_03.IN_DISPUTE: Score(31, 31, 31),
        context_03.NOT_CAPTURED: Score(32, 32, 32),
        context_03.NO_MONEY: Score(28, 28, 28),
        context_03.REFUND_NOT_SETTLED: Score(240, 233, 233),
    }
    check(
        scored,
        wanted,
        {
            "the gateway's file has no such order": 75,
            "the order is pending in our books: nothing of it was captured": 8,
        },
    )
    assert lanes.unhappy == []
    lanes.balances()


@ORDERS
def test_payouts_to_sellers_against_the_gateway(seed: int | None) -> None:
    """Leg B: a seller's payout is a bank line that names the orders it pays; each was settled by itself."""
    lanes, scored = context_03.payouts(shared_fixture(*context_03.FOLDER), seed)
    assert table(scored) == {
        "aggregate_payout_many_orders": {
            PAIRED: 46,
            "LATE": 137,
            "AMOUNT_OVER": 8,
            "AMOUNT_OVER+LATE": 11,
            "AMOUNT_OVER+CURRENCY_MISMATCH": 20,
            "AMOUNT_OVER+CURRENCY_MISMATCH+LATE": 20,
            "AMOUNT_UNDER": 1,
            "AMOUNT_UNDER+LATE": 7,
        },
        "partial_payout_candidate": {"AMOUNT_UNDER": 58, "AMOUNT_UNDER+LATE": 39, "UNEXPECTED_BANK": 3},
        "refund_adjusted_payout": {"AMOUNT_UNDER": 41, "AMOUNT_UNDER+LATE": 27, "UNEXPECTED_BANK": 2},
        "payout_only_unmatched": {"UNEXPECTED_BANK": 580},
    }
    wanted = {
        PAIRED: Score(250, 183, 183),
        AMOUNT: Score(170, 232, 165),
        "UNEXPECTED_BANK": Score(580, 585, 580),
    }
    check(
        scored,
        wanted,
        {
            "it adds up orders of several currencies": 42,
            "it pays for an order whose capture failed at the gateway": 22,
            "the gateway settled another amount than the order's, which is what was paid out": 8,
        },
    )
    assert lanes.unhappy == []
    lanes.balances()


def test_a_miss_without_a_reason_is_seen() -> None:
    """The judge itself: a wrong outcome that nothing in the files explains."""
    row = Labelled("a", "gateway_matches_order", "o", "gateway")
    scored = Scored([row], {"a": "AMOUNT_UNDER+LATE"}, context_03.TRUTH, lambda row, outcome: "")
    assert [miss.outcome for miss in scored.unexplained] == ["AMOUNT_UNDER+LATE"]
    assert scored.scores[AMOUNT] == Score(0, 1, 0)
    assert scored.scores[PAIRED].recall == 0
