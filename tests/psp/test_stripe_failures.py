"""Every way a call to Stripe can fail, over a real connection, and what is concluded from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.domain.psp_calls import PspCall
from app.psp.adapter import Access
from app.psp.stripe_calls import connect
from tests.psp.stripe_world import (
    CAPTURED,
    FAILED,
    KEY,
    PAYOUT,
    REFUND,
    P,
    answer,
    call,
    error,
    intent,
    thing,
)
from tests.support.psp_payments import AMOUNT, StripePayment
from tests.support.psp_server import PspServer, Respond, breaks_off, hangs, resets, says

DECLINE = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
ERRORS = [
    (402, DECLINE, "declined", "insufficient_funds"),
    (402, {"type": "card_error", "code": "expired_card"}, "declined", "expired_card"),
    (400, {"type": "invalid_request_error", "code": "amount_too_small"}, "declined", "amount_too_small"),
    (400, {"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"},
     "declined", "resource_missing"),
    (400, {"type": "invalid_request_error", "code": "resource_missing", "param": "intent"},
     "misconfigured", r"capture: resource_missing \(intent\)"),
    (400, {"type": "invalid_request_error", "code": "parameter_unknown", "param": "x"},
     "misconfigured", r"parameter_unknown \(x\)"),
    (400, {"type": "idempotency_error", "message": "Keys for idempotent requests"}, "misconfigured", "Idem"),
    (401, {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_***"},
     "misconfigured", "AuthenticationError"),
    (403, {"type": "invalid_request_error"}, "misconfigured", "PermissionError"),
    (409, {"type": "invalid_request_error", "code": "idempotency_key_in_use"}, "unknown", "in_use"),
    (400, {"code": "lock_timeout", "type": "invalid_request_error"}, "retry", "lock_timeout"),
    (400, None, "unknown", "HTTP 400: no readable answer"),
    (404, "not even an object", "unknown", "HTTP 404: no readable answer"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "fault", "kind", "reason"), ERRORS)
async def test_errors(psp: PspServer, status: int, fault: Any, kind: str, reason: str) -> None:
    answered = await answer(psp, call("capture"), says(status, {"error": fault}))
    assert answered.kind == kind
    assert answered.reason is not None
    assert re.search(reason, answered.reason)
    assert "sk_" not in answered.reason


class TestNoAnswer:
    @pytest.mark.parametrize("status", [429, 503])
    async def test_busy(self, psp: PspServer, status: int) -> None:
        for text in ({"error": {"code": "rate_limit"}}, "<html>busy</html>"):
            answered = await answer(psp, call("capture"), says(status, text, Retry_After="7"))
            assert (answered.kind, answered.retry_after_seconds) == ("retry", 7.0)

    async def test_busy_until_a_date(self, psp: PspServer) -> None:
        until = says(429, {}, Retry_After="Fri, 20 Nov 2026 09:06:30 GMT")
        assert (await answer(psp, call("capture"), until)).retry_after_seconds == 90.0

    @pytest.mark.parametrize("wait", ["soon", "-5", "", "1e9"])
    async def test_busy_without_a_readable_wait(self, psp: PspServer, wait: str) -> None:
        answered = await answer(psp, call("capture"), says(429, {}, Retry_After=wait))
        assert (answered.kind, answered.retry_after_seconds) == ("retry", None)

    async def test_nothing_is_sent_where_nobody_listens(self, psp: PspServer, unused_tcp_port: int) -> None:
        access = Access(KEY, f"http://127.0.0.1:{unused_tcp_port}")
        answered = await connect(access, psp.session).perform(call("capture"))
        assert answered.kind == "retry"

    @pytest.mark.parametrize("broken", [resets, breaks_off], ids=["reset", "broken off"])
    async def test_a_connection_that_breaks_leaves_it_open(self, psp: PspServer, broken: Respond) -> None:
        answered = await answer(psp, call("capture"), broken)
        assert (answered.kind, len(psp.seen)) == ("unknown", 1)

    async def test_no_answer_in_time_leaves_it_open(self, psp: PspServer) -> None:
        answered = await answer(psp, call("capture"), hangs, seconds=1)
        assert (answered.kind, answered.reason) == ("unknown", "no answer in time")

    @pytest.mark.parametrize(
        "garbage", ["", "<html>", "[]", '"x"', "{}", '{"id": "pi_1"}', '{"id": 7, "created": 1}', "{" * 9999]
    )
    async def test_an_answer_that_cannot_be_read_leaves_it_open(self, psp: PspServer, garbage: str) -> None:
        assert (await answer(psp, call("capture"), says(200, garbage))).kind == "unknown"

    async def test_a_redirect_is_no_answer(self, psp: PspServer) -> None:
        away = says(307, {}, Location="https://elsewhere.test/v1/refunds")
        answered = await answer(psp, call("refund"), away)
        assert (answered.kind, len(psp.seen)) == ("unknown", 1)


STATE = error(400, type="invalid_request_error", code="payment_intent_unexpected_state")
REFUNDED_BEFORE = error(400, type="invalid_request_error", code="charge_already_refunded")
FAULT = error(500, type="api_error")


class TestLooking:
    """Stripe repeats its first answer under a key: after a 500, and in a state we did not expect, we look."""

    async def kinds(self, psp: PspServer, asked: PspCall, *answers: Respond) -> tuple[str, list[str]]:
        answered = await answer(psp, asked, *answers)
        return answered.kind, [fact.kind for fact in answered.facts]

    @pytest.mark.parametrize("first", [STATE, FAULT])
    async def test_our_own_capture_was_made(self, psp: PspServer, first: Respond) -> None:
        made = says(200, intent("succeeded", amount_received=AMOUNT, metadata=CAPTURED))
        assert await self.kinds(psp, call("capture"), first, made) == ("done", ["captured"])

    async def test_somebody_elses_capture_is_a_decline_with_what_happened(self, psp: PspServer) -> None:
        made = says(200, intent("succeeded", amount_received=AMOUNT))
        assert await self.kinds(psp, call("capture"), STATE, made) == ("declined", ["captured"])

    async def test_a_voided_payment_cannot_be_captured(self, psp: PspServer) -> None:
        made = says(200, intent("canceled"))
        assert await self.kinds(psp, call("capture"), STATE, made) == ("declined", ["voided"])

    async def test_a_voided_payment_is_voided(self, psp: PspServer) -> None:
        assert await self.kinds(psp, call("void"), STATE, says(200, intent("canceled"))) == (
            "done",
            ["voided"],
        )

    async def test_after_a_fault_nothing_is_concluded_from_what_is_missing(self, psp: PspServer) -> None:
        still = says(200, intent("requires_capture"))
        assert await self.kinds(psp, call("capture"), FAULT, still) == ("unknown", [])
        none = says(200, {"object": "list", "data": []})
        assert await self.kinds(psp, call("refund"), FAULT, none) == ("unknown", [])
        assert await self.kinds(psp, call("capture"), FAULT, FAULT) == ("unknown", [])
        assert await self.kinds(psp, call("capture"), FAULT, resets) == ("unknown", [])

    @pytest.mark.parametrize("first", [REFUNDED_BEFORE, FAULT])
    async def test_our_own_refund_is_found_among_others(self, psp: PspServer, first: Respond) -> None:
        ours = thing(P.refund_created(), metadata=REFUND)
        listed = {"object": "list", "data": [thing(StripePayment(8).refund_created()), ours]}
        assert await self.kinds(psp, call("refund"), first, says(200, listed)) == ("done", ["refunded"])
        assert psp.seen[1].path == f"/v1/refunds?payment_intent={P.intent}&limit=100"

    async def test_a_payment_refunded_by_others_is_a_decline(self, psp: PspServer) -> None:
        others = says(200, {"object": "list", "data": [thing(P.refund_created())]})
        assert await self.kinds(psp, call("refund"), REFUNDED_BEFORE, others) == ("declined", [])

    async def test_our_own_payout_is_found(self, psp: PspServer) -> None:
        listed = says(200, {"object": "list", "data": [{**PAYOUT, "status": "paid"}]})
        assert await self.kinds(psp, call("payout"), FAULT, listed) == ("done", ["payout_paid"])

    async def test_an_authorisation_is_searched_for(self, psp: PspServer) -> None:
        found = says(200, {"object": "search_result", "data": [intent("requires_capture")]})
        seen = (FAULT, found, says(200, intent("requires_capture")))
        assert await self.kinds(psp, call("authorize"), *seen) == ("done", ["authorized"])

    async def test_a_decline_brings_its_payment(self, psp: PspServer) -> None:
        failed = thing(FAILED)
        answered = await answer(psp, call("authorize"), error(402, **DECLINE, payment_intent=failed))
        assert [(fact.kind, fact.reason) for fact in answered.facts] == [("failed", "insufficient_funds")]
        assert (answered.kind, answered.psp_object_id) == ("declined", P.intent)
