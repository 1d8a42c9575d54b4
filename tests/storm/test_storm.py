"""A short storm, so that the long one of `make chaos` is known to work; its judge finds what is planted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.storm.__main__ import run
from tests.storm.customers import Ledger
from tests.storm.judge import judge

SEED = 20261121
CHARGE = {"id": "ch-1", "currency": "EUR", "metadata": {"payment_id": "order-1"}}
BOOKS: dict[str, Any] = {
    "charges": [CHARGE],
    "captures": [{"id": "cap-1", "charge": "ch-1", "amount": 100}],
    "refunds": [{"id": "re-1", "charge": "ch-1", "amount": 30, "status": "succeeded"}],
    "payouts": [{"metadata": {"payout_id": "po-1"}, "status": "paid", "amount": 20}],
}
STATE = {
    "captures": {"order-1": {"psp_capture_id": "cap-1", "amount": 100}},
    "refunds": {"r-1": {"psp_refund_id": "re-1", "amount": 30}},
}


class Rows:
    """What our database would answer, by the table that is asked."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = deepcopy(STATE)
        self.status, self.receivable, self.payout = "captured", 70, "paid"
        self.effects: list[dict[str, Any]] = []

    async def fetch(self, query: str) -> list[dict[str, Any]]:
        if "FROM payments" in query:
            return [{"id": "order-1", "status": self.status, "state": msgspec.json.encode(self.state)}]
        if "FROM accounts" in query:
            return [{"currency": "EUR", "balance": self.receivable}]
        if "FROM payouts" in query:
            return [{"id": "po-1", "status": self.payout, "amount": 20}]
        return self.effects


def lost_refund(rows: Rows) -> None:
    rows.state["refunds"] = {}


def doubled_capture(rows: Rows) -> None:
    rows.state["captures"]["again"] = {"psp_capture_id": "cap-2", "amount": 100}


def wrong_books(rows: Rows) -> None:
    rows.receivable = 71


def unknown_for_ever(rows: Rows) -> None:
    rows.status = "unknown"


def payout_not_told(rows: Rows) -> None:
    rows.payout = "started"


def dead_effect(rows: Rows) -> None:
    state = msgspec.json.encode({"work": {"operation": "refund", "object_id": "r-1"}})
    rows.effects = [{"id": "e-1", "target": "t", "status": "dead", "reason": "x", "state": state}]


async def test_the_judge_agrees_where_all_is_right() -> None:
    verdict = await judge(Rows(), BOOKS, Ledger(payments={"order-1": 100}, payouts={"po-1": 20}))
    assert verdict.problems == []


@pytest.mark.parametrize(
    "plant",
    [lost_refund, doubled_capture, wrong_books, unknown_for_ever, payout_not_told, dead_effect],
    ids=lambda plant: plant.__name__,
)
async def test_the_judge_finds_what_is_wrong(plant: Callable[[Rows], None]) -> None:
    rows = Rows()
    plant(rows)
    assert (await judge(rows, BOOKS, Ledger(payments={"order-1": 100}))).problems != []


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.hazard
async def test_a_short_storm_leaves_both_books_equal(tmp_path: Path) -> None:
    options = Namespace(minutes=0.25, seed=SEED, rate=3.0, workers=1, kill_every=7.0)
    assert await run(options, tmp_path), "see what it printed"
