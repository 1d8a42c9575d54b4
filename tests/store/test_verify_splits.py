"""`verify` finds split payments whose sellers have not posted what it moved, with nothing to explain that."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from app.domain.decision import Entry, Transaction
from app.domain.payment import Payment, Refund
from app.domain.split import Parent, Part
from app.domain.split_records import SplitDue
from app.domain.state import Ref
from app.domain.timers import Timer, epoch_ms
from app.store.postgres import PostgresStore
from app.store.verify import verify
from tests.support.commits import (
    LANE,
    MISMATCH,
    NOW,
    OTHER_LANE,
    PAYMENT,
    balances,
    change,
    commit,
    key_row,
    mismatch,
    payment,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRANSIT = "split_transit:m-1/pay-1"


@pytest_asyncio.fixture(loop_scope="module")
async def store(books: Any) -> PostgresStore:
    store = PostgresStore(books)
    await store.positions([LANE, OTHER_LANE])
    return store


def split_payment() -> Payment:
    return replace(payment(), parts=(Part(merchant_id="m-2", payment_id="split_1", amount=100),))


def sellers_order(confirmed: bool) -> Payment:
    refund = Refund(
        amount=40,
        currency="EUR",
        psp="stripe",
        transaction_id="pc.4.0.1",
        occurred_at=NOW,
        confirmed=confirmed,
    )
    return replace(
        payment(),
        merchant_id="m-2",
        id="split_1",
        parent=Parent("m-1", "pay-1"),
        parts=(),
        refunds={"re-1": refund},
    )


def posted(transaction_id: str, debit: str, credit: str, amount: int) -> dict[str, Any]:
    legs = (Entry(debit, "debit", amount, "EUR", amount), Entry(credit, "credit", amount, "EUR", amount))
    return {"transactions": [Transaction(transaction_id, "capture", "m-1", "pay-1", NOW, NOW, legs)]}


async def parents_side(store: PostgresStore, covered_by: str) -> None:
    fields = posted("pc.3.0.0", "psp_recv:stripe", TRANSIT, 100)
    state = balances(0, {"psp_recv:stripe": 100, TRANSIT: 100}) | {PAYMENT: change(split_payment(), 0)}
    if covered_by == "timer":
        due = SplitDue(id="split/pay-1/1", merchant_id="m-1", payment_id="pay-1")
        state[Ref("timer", ("m-1", "split", "pay-1"))] = change(Timer(epoch_ms(NOW), due), 0)
    if covered_by in ("mismatch", "resolved"):
        status = "open" if covered_by == "mismatch" else "auto_resolved"
        opened = mismatch(status, category="SPLIT_MISMATCH", leg="M", payment_id="pay-1")
        state[MISMATCH] = change(opened, 0)
    await store.commit(commit(0, **fields, state=state))


async def sellers_side(store: PostgresStore, amount: int, confirmed: bool) -> None:
    fields = posted("pc.4.0.0", TRANSIT, "m_pend:m-2", amount)
    order = {Ref("payment", ("m-2", "split_1")): change(sellers_order(confirmed), 0)}
    state = balances(0, {TRANSIT: -amount, "m_pend:m-2": amount}) | order
    await store.commit(commit(0, lane=OTHER_LANE, keys=[key_row(0, key="m-2")], **fields, state=state))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("sellers_amount", "covered_by", "holds"),
    [
        (100, "", True),
        (60, "", False),
        (60, "timer", True),
        (60, "mismatch", True),
        (60, "resolved", False),
        (60, "seller's refund", True),
        (0, "", False),
    ],
)
async def test_a_split_is_at_zero_or_explained(
    dsn: str, store: PostgresStore, sellers_amount: int, covered_by: str, holds: bool, full: bool
) -> None:
    await parents_side(store, covered_by)
    if sellers_amount:
        await sellers_side(store, sellers_amount, confirmed=covered_by != "seller's refund")
    report = await verify(dsn, full=full)
    (check,) = [one for one in report.checks if one.name == "clearing"]
    left = 100 - sellers_amount
    assert check.problems == ([] if holds else [f"{TRANSIT} is {left} EUR, with nothing under way"])
    assert check.figures["splits"] == 1
