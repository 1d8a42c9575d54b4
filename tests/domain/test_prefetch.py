"""What a record will want is fetched ahead: a row missed here costs a round trip to the database per record.

Platform accounts and merchants stay in the lane's memory after their first load, so only those may be missed.
"""

from __future__ import annotations

from typing import Any

import pytest

from app.domain import merchant_lane
from app.domain.merchant_records import MerchantLaneRecord
from tests.support.asking import answer, asking_books, create, psp_fact, request
from tests.support.domain import Books, record, run
from tests.support.facts import (
    MERCHANT,
    capture_fact,
    configuration,
    dispute_fact,
    refund_fact,
    refund_failed_fact,
    status_fact,
)

SEMANTIC: dict[str, Any] = {"payer": {"tax_id": "DE1"}, "invoice_id": "INV-1"}
PAYOUT = {"merchant_id": MERCHANT, "payout_id": "po-1"}
OLD = "2026-01-01T00:00:00Z"


def missed(books: Books, commands: list[Any]) -> list[str]:
    books.not_prefetched.clear()
    for command in commands:
        assert books.send(command).name in ("applied", "refused", "parked", "duplicate")
    return [str(ref) for ref in books.not_prefetched if ref.kind != "account"]


COMMON = {
    "first capture": lambda: [capture_fact("pay-2", "pay-2", 10, command_id="b")],
    "with a look": lambda: [capture_fact("pay-2", "pay-2", 10, command_id="b", **SEMANTIC)],
    "further capture": lambda: [capture_fact("pay-1", "cap-2", 10, command_id="b", psp_payment_id="pi_1")],
    "the same again": lambda: [capture_fact("pay-1", "pay-1", 1_000, command_id="b")],
    "refund": lambda: [refund_fact("pay-1", "r-1", 10, command_id="b")],
    "refund request": lambda: [
        record(
            type="refund.create",
            id="b",
            merchant_id=MERCHANT,
            payment_id="pay-1",
            refund_id="r-1",
            amount=10,
            currency="EUR",
        )
    ],
    "authorisation": lambda: [status_fact("authorized", "pay-2", 10, command_id="b")],
    "authorisation of a captured payment": lambda: [
        status_fact("authorized", "pay-1", 1_000, command_id="b", psp_payment_id="pi-x")
    ],
    "refund that failed": lambda: [
        refund_fact("pay-1", "r-1", 10, command_id="b"),
        refund_failed_fact("pay-1", "r-1", 10, command_id="c"),
    ],
    "dispute": lambda: [
        dispute_fact("opened", "pay-1", "d-1", 10, command_id="b"),
        dispute_fact("lost", "pay-1", "d-1", 10, command_id="c"),
    ],
    "settlement": lambda: [
        record(
            type="settlement.matched",
            id="b",
            merchant_id=MERCHANT,
            payment_id="pay-1",
            object_id="pay-1",
            kind="capture",
            matched=True,
            occurred_at=OLD,
        )
    ],
    "payout": lambda: [
        record(type="payout.create", id="b", amount=10, currency="EUR", **PAYOUT),
        record(type="payout.paid", id="d", occurred_at=OLD, **PAYOUT),
    ],
}


@pytest.mark.parametrize("case", COMMON)
def test_common_records_name_all_they_want(case: str) -> None:
    capture = capture_fact("pay-1", "pay-1", 1_000, command_id="a", occurred_at=OLD)
    books = run(Books(), [*configuration(1_000), capture])
    books.fire_timers(books.now)
    assert missed(books, COMMON[case]()) == []


def test_a_release_names_all_it_wants_even_of_a_merchant_not_seen_lately() -> None:
    books = run(Books(), [*configuration(), capture_fact("pay-1", "pay-1", 1_000, command_id="a")])
    books.not_prefetched.clear()
    assert [str(outcome) for outcome in books.fire_timers()] == ["applied"]
    assert books.not_prefetched == []


def test_every_record_type_has_a_rule_and_a_key() -> None:
    types = set(MerchantLaneRecord.__args__)
    assert set(merchant_lane.RULES) == types
    key = {
        merchant_lane.record_key(command)
        for command in (configuration()[1], capture_fact("p", "p", 1, command_id="a"))
    }
    assert key == {MERCHANT}
    assert merchant_lane.record_key(configuration()[0]) is None
    assert merchant_lane.record_key(record(type="parked.expire", id="x", key="m-9", subject="s")) == "m-9"


def test_asking_for_money_names_all_it_wants() -> None:
    books = asking_books()
    taken = psp_fact("captured", amount=700, psp_object_id="ch_1", object_id="cap-1")
    story: list[Any] = [
        create(capture_method="manual"),
        answer("authorize", "pay-1", facts=[psp_fact("authorized", amount=1_000)]),
        request("payment.capture", id="k", capture_id="cap-1", amount=700),
        answer("capture", "cap-1", facts=[taken]),
        request("refund.create", id="r", refund_id="re-1", amount=200),
        answer("refund", "re-1", outcome="unknown"),
        request("payment.void", id="v"),
    ]
    for told in story:
        assert missed(books, [told(books) if callable(told) else told]) == []
