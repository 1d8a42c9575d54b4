"""Stripe's answers: the facts that its webhooks bring, no others."""

from __future__ import annotations

import pytest

from app.domain.psp_calls import PspAnswer
from tests.psp.reports import facts_of, same
from tests.psp.stripe_world import (
    CAPTURED,
    FAILED,
    PAYOUT,
    REFUND,
    Json,
    P,
    answer,
    call,
    intent,
    thing,
)
from tests.support.psp_payments import AMOUNT, BEGAN
from tests.support.psp_server import PspServer, says
from tests.support.webhooks import stripe_delivery

AT = "2026-11-20T09:05:00+00:00"


def with_metadata(event: Json, metadata: Json) -> Json:
    return {**event, "data": {"object": thing(event, metadata=metadata)}}


ACTION = P.event("payment_intent.requires_action", 2, intent("requires_action"))
PAID = P.event("payout.paid", 90_000, {**PAYOUT, "status": "paid"})
PAIRS = [
    ("authorize", P.authorized()),
    ("authorize", P.intent_succeeded()),
    ("authorize", FAILED),
    ("authorize", ACTION),
    ("capture", with_metadata(P.intent_succeeded(), CAPTURED)),
    ("void", P.canceled()),
    ("void", P.canceled("automatic")),
    ("refund", with_metadata(P.refund_created(), REFUND)),
    ("refund", with_metadata(P.refund_created("failed", "refund.failed"), REFUND)),
    ("payout", PAID),
    ("get", P.authorized()),
    ("get", P.intent_succeeded()),
]


@pytest.mark.parametrize(("operation", "event"), PAIRS, ids=lambda part: str(part)[:9])
async def test_an_answer_and_its_event_are_one_fact(psp: PspServer, operation: str, event: Json) -> None:
    told = facts_of(stripe_delivery(event, BEGAN))
    answered = await answer(psp, call(operation), says(200, thing(event)))
    assert [same(fact) for fact in answered.facts] == [same(fact) for fact in told]
    assert told[0].merchant_id == "m-1"


class TestAnswers:
    async def test_a_step_of_the_payer(self, psp: PspServer) -> None:
        step = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.test/3ds"}}
        answered = await answer(
            psp, call("authorize"), says(200, intent("requires_action", next_action=step))
        )
        assert (answered.kind, answered.url) == ("done", "https://hooks.stripe.test/3ds")
        assert answered.psp_object_id == P.intent

    async def test_a_page(self, psp: PspServer) -> None:
        page = {"id": "cs_1", "object": "checkout.session", "created": BEGAN, "url": "https://pay.test/1"}
        asked = call("session", return_url="https://shop.test/r")
        answered = await answer(psp, asked, says(200, page))
        assert answered == PspAnswer(kind="done", psp_object_id="cs_1", url="https://pay.test/1")

    @pytest.mark.parametrize("status", ["processing", "requires_confirmation"])
    async def test_what_is_not_decided_brings_no_fact(self, psp: PspServer, status: str) -> None:
        answered = await answer(psp, call("authorize"), says(200, intent(status)))
        assert (answered.kind, answered.facts, answered.psp_object_id) == ("done", (), P.intent)

    async def test_a_refund_that_is_pending(self, psp: PspServer) -> None:
        answered = await answer(psp, call("refund"), says(200, thing(P.refund_created("pending"))))
        assert (answered.kind, answered.facts) == ("done", ())
        assert answered.psp_object_id == "re_0000000000000007"

    async def test_a_refund_that_came_to_nothing_is_a_decline(self, psp: PspServer) -> None:
        failed = thing(P.refund_created("failed"), failure_reason="lost_or_stolen_card")
        answered = await answer(psp, call("refund"), says(200, failed))
        assert (answered.kind, answered.reason) == ("declined", "lost_or_stolen_card")
        assert [fact.kind for fact in answered.facts] == ["refund_failed"]

    async def test_moments(self, psp: PspServer) -> None:
        """An authorisation is as old as its intent; a capture happened when Stripe said so."""
        made = await answer(psp, call("authorize"), says(200, intent("requires_capture")))
        assert made.facts[0].occurred_at.timestamp() == BEGAN
        taken = await answer(psp, call("capture"), says(200, intent("succeeded", amount_received=AMOUNT)))
        assert taken.facts[0].occurred_at.isoformat() == AT

    async def test_a_payment_behind_a_page_is_looked_at(self, psp: PspServer) -> None:
        page = {"id": "cs_1", "object": "checkout.session", "created": BEGAN, "payment_intent": P.intent}
        asked = call("get", psp_payment_id="cs_1")
        answered = await answer(psp, asked, says(200, page), says(200, intent("requires_capture")))
        assert [fact.kind for fact in answered.facts] == ["authorized"]

    async def test_a_page_that_was_closed_without_a_payment(self, psp: PspServer) -> None:
        """Whoever closed it: we, time, or Stripe; its event brings the same fact."""
        page = {
            "id": "cs_1",
            "object": "checkout.session",
            "created": BEGAN,
            "status": "expired",
            "amount_total": AMOUNT,
            "currency": "eur",
            "metadata": P.metadata,
        }
        event = P.event("checkout.session.expired", 600, page)
        (told,) = facts_of(stripe_delivery(event, BEGAN))
        for operation in ("void", "get"):
            answered = await answer(psp, call(operation, psp_payment_id="cs_1"), says(200, page))
            assert [same(fact) for fact in answered.facts] == [same(told)]

    async def test_a_payment_whose_id_nobody_knows_is_searched_for(self, psp: PspServer) -> None:
        found = {"object": "search_result", "data": [intent("requires_capture")], "has_more": False}
        asked = call("get", psp_payment_id=None, payment_id="o'x")
        answered = await answer(psp, asked, says(200, found), says(200, intent("requires_capture")))
        assert [fact.kind for fact in answered.facts] == ["authorized"]
        assert "o%5C'x" in psp.seen[0].path
        nothing = {"object": "search_result", "data": [], "has_more": False}
        assert (await answer(psp, asked, says(200, nothing))).kind == "unknown"
