"""The sandbox PSP: every kind of fact there is, in our own words, and Standard Webhooks' signatures."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.commands import PayoutFact, PayoutFailed, PayoutPaid, PayoutReturned
from app.domain.psp_facts import KINDS as ALL_KINDS
from app.domain.psp_facts import is_addressed, to_command
from app.psp.adapter import Unreadable
from app.psp.sandbox import ADAPTER, KINDS
from tests.psp.reports import facts_of, report
from tests.support.psp_payments import BEGAN
from tests.support.webhooks import SANDBOX_SECRET, encoded, sandbox_delivery

DATA = {"psp_payment_id": "sp_1", "psp_object_id": "so_1", "amount": 500, "currency": "EUR"}


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-11-20T09:00:00Z", "data": {**DATA, **data}}


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_one_fact(kind: str) -> None:
    assert report("sandbox", encoded(event(kind))) == [f"{KINDS[kind][0]} 500 EUR sp_1 so_1"]


def test_it_can_say_whatever_a_psp_can_say() -> None:
    assert {kind for kind, _ in KINDS.values()} == set(ALL_KINDS)


def test_our_ids_and_the_rest() -> None:
    ours = {"merchant_id": "m-1", "payment_id": "pay-1", "dispute_id": "d-1", "refund_id": "r-1"}
    (fact,) = facts_of(sandbox_delivery(event("dispute.opened", **ours, fee=15, reason="fraud"), BEGAN))
    assert (fact.merchant_id, fact.payment_id, fact.object_id) == ("m-1", "pay-1", "d-1")
    assert (fact.fee, fact.reason, fact.occurred_at.timestamp()) == (15, "fraud", BEGAN)


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("payout.paid", PayoutPaid), ("payout.failed", PayoutFailed), ("payout.returned", PayoutReturned)],
)
def test_a_payout_is_the_merchants_own_record(kind: str, becomes: type[PayoutFact]) -> None:
    ids = {"merchant_id": "m-1", "payout_id": "po-1", "psp_object_id": None, "psp_payment_id": "sb_po_1"}
    (fact,) = facts_of(sandbox_delivery(event(kind, **ids, fee=25), BEGAN))
    assert is_addressed(fact)
    assert fact.payment_id
    command = to_command(fact, "r-1", "m-1", fact.payment_id)
    assert isinstance(command, becomes)
    assert (command.id, command.payout_id, command.psp_payout_id) == ("r-1", "po-1", "sb_po_1")
    assert getattr(command, "bank_fee", 25) == 25


def test_an_event_is_known_by_its_message_id() -> None:
    delivery = sandbox_delivery(event("payment.captured"), BEGAN, "msg_9")
    assert [event_id for event_id, _ in ADAPTER.parse(delivery.headers, delivery.body)] == ["msg_9"]


@pytest.mark.parametrize(
    "wrong",
    [
        event("payment.invented"),
        event("payment.captured", amount=0),
        event("payment.captured", currency="eur"),
        event("refund.succeeded", psp_object_id=None),
        {**event("payment.captured"), "timestamp": "2026-11-20T09:00:00"},
        {"type": "payment.captured", "timestamp": "2026-11-20T09:00:00Z"},
    ],
)
def test_what_is_unclear_is_not_guessed(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        report("sandbox", encoded(wrong))


def test_one_right_signature_among_several_is_enough() -> None:
    headers, body = sandbox_delivery(event("payment.captured"), BEGAN)[1:]
    keys, right = (ADAPTER.key(SANDBOX_SECRET),), headers["webhook-signature"]
    for several in (f"v1,AAAA {right}", f"{right} v2,xyz", f"v1a,abc {right} v1,"):
        assert ADAPTER.verify({**headers, "webhook-signature": several}, body, keys, BEGAN)
    for none in (right.replace("v1,", "v2,"), right.replace(",", ""), f"x{right}"):
        assert not ADAPTER.verify({**headers, "webhook-signature": none}, body, keys, BEGAN)
