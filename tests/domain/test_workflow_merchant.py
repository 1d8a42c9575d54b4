"""The exception workflow in the merchant lane: a shortage is given up, never hidden, never given up twice."""

from __future__ import annotations

from itertools import count
from typing import Any

from app.domain.mismatch import Mismatch
from app.domain.mismatches import mismatch_ref
from tests.domain.test_money_out import payout_request, with_money
from tests.support.domain import Books
from tests.support.facts import capture_fact, refund_fact
from tests.support.workflow_world import ACTION_OF, ANALYST, APPROVER, LEAD, REQUIRED, Person, chain_in

_IDS = count(1)


def do(books: Books, mismatch: Mismatch, action: str, by: Person, **said: Any) -> str:
    fields = {**REQUIRED.get(action, {}), **said}
    if action == "assign":
        fields.setdefault("assignee", by[0])
    command = ACTION_OF[action](
        id=f"wf_{next(_IDS)}",
        mismatch_id=mismatch.id,
        owner_key=mismatch.owner_key,
        actor=by[0],
        role=by[1],
        **fields,
    )
    return str(books.send(command))


def in_debt() -> tuple[Books, Mismatch]:
    """The merchant was paid out 10.00, and then 4.00 of it went back to a payer."""
    books = with_money(1_000)
    books.send(payout_request(1, 1_000))
    books.send(refund_fact("pay-1", "r-1", 400, command_id="b"))
    (found,) = books.open_mismatches()
    assert found.category == "NEGATIVE_BALANCE"
    return books, found


def now(books: Books, mismatch: Mismatch) -> Mismatch:
    found = books.rows[mismatch_ref(mismatch.id)]
    assert isinstance(found, Mismatch)
    return found


def written_off() -> tuple[Books, Mismatch]:
    books, found = in_debt()
    for action in ("assign", "investigate", "propose"):
        assert do(books, found, action, ANALYST) == "applied"
    assert do(books, found, "approve", ANALYST) == "refused:role_not_allowed"
    assert do(books, found, "approve", APPROVER) == "applied"
    return books, found


def test_what_a_merchant_cannot_pay_is_written_off_by_two_people() -> None:
    books, found = written_off()
    assert (books.balance("m_avail:m-1"), books.balance("write_off")) == (0, 400)
    assert now(books, found).status == "written_off"
    assert books.open_categories() == []
    assert [entry.action for entry in chain_in(books.rows, found)] == [
        "assign", "investigate", "propose", "approve"
    ]  # fmt: skip
    books.check_all()


def test_money_that_comes_later_is_the_merchants_and_the_write_off_stands() -> None:
    books, found = written_off()
    books.send(capture_fact("pay-2", "pay-2", 700, command_id="c"))
    assert now(books, found).status == "written_off"
    assert books.balance("write_off") == 400
    books.check_all()


def test_a_later_shortage_is_another_one() -> None:
    books, found = written_off()
    books.send(refund_fact("pay-1", "r-2", 300, command_id="d"))
    again = now(books, found)
    assert (again.status, again.resolution) == ("assigned", None)
    assert books.balance("write_off") == 400
    assert books.open_categories() == ["NEGATIVE_BALANCE"]
    books.check_all()


def test_a_shortage_may_not_be_ignored_and_reopening_brings_it_back() -> None:
    books, found = in_debt()
    for action in ("assign", "investigate"):
        do(books, found, action, ANALYST)
    assert do(books, found, "propose", ANALYST, kind="ignore") == "refused:kind_not_possible"
    books, found = written_off()
    assert do(books, found, "reopen", LEAD) == "applied"
    assert (books.balance("m_avail:m-1"), books.balance("write_off")) == (-400, 0)
    assert now(books, found).status == "assigned"
    assert books.open_categories() == ["NEGATIVE_BALANCE"]
    books.check_all()
