"""Stripe's API: what is sent for each operation, what its answers mean, and every way a call can fail."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.psp_calls import PspAnswer, PspCall, idempotency_key
from app.domain.psp_facts import PspFact
from app.psp.adapter import Access
from app.psp.stripe_calls import connect
from tests.psp.reports import facts_of
from tests.support.psp_payments import AMOUNT, BEGAN, REFUNDED, StripePayment, our_ids
from tests.support.psp_server import (
    PspServer,
    Respond,
    breaks_off,
    hangs,
    psp_server,
    resets,
    says,
)
from tests.support.webhooks import stripe_delivery

Json = dict[str, Any]
P = StripePayment(7, our_ids("m-1", "pay-1"))
KEY = "sk_test_of_the_tests"
AT = "2026-11-20T09:05:00+00:00"


@pytest.fixture
async def psp() -> AsyncIterator[PspServer]:
    async with psp_server() as server:
        yield server


def call(operation: str, **fields: Any) -> PspCall:
    own = {"capture": "cap-1", "refund": "re-1", "payout": "po-1"}.get(operation, "pay-1")
    known = operation in ("capture", "void", "refund", "get")
    stated: Json = {
        "psp": "stripe",
        "operation": operation,
        "merchant_id": "m-1",
        "payment_id": None if operation == "payout" else "pay-1",
        "object_id": own,
        "amount": REFUNDED if operation == "refund" else AMOUNT,
        "currency": "EUR",
        "psp_payment_id": P.intent if known else None,
        "order_ref": "o-pay-1",
    }
    return PspCall(**stated | fields)


async def answer(psp: PspServer, asked: PspCall, *answers: Respond, seconds: float = 20) -> PspAnswer:
    psp.says += answers
    return await connect(Access(KEY, psp.url, timeout_seconds=seconds), psp.session).perform(asked)


def thing(event: Json, **fields: Any) -> Json:
    """The object that an event is about, as an answer has it."""
    return {**event["data"]["object"], **fields}


def intent(status: str, **fields: Any) -> Json:
    return thing(P.authorized(), status=status, **fields)


def error(status: int, **fields: Any) -> Respond:
    return says(status, {"error": fields})


CAPTURED = {**P.metadata, "capture_id": "cap-1"}
REFUND = {**P.metadata, "refund_id": "re-1"}
PAYOUT = {
    "id": "po_1",
    "object": "payout",
    "amount": AMOUNT,
    "currency": "eur",
    "created": BEGAN,
    "arrival_date": BEGAN + 86_400,
    "status": "pending",
    "metadata": {"merchant_id": "m-1", "payout_id": "po-1", "order_ref": "o-pay-1"},
}


class TestRequests:
    async def sent(self, psp: PspServer, asked: PspCall, made: Json) -> tuple[str, Json]:
        assert (await answer(psp, asked, says(200, made))).kind == "done"
        (request,) = psp.seen
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert "x-stripe-client-telemetry" not in request.headers
        if request.method == "POST":
            assert request.headers["idempotency-key"] == idempotency_key(asked)
        return f"{request.method} {request.path}", request.form

    async def test_session(self, psp: PspServer) -> None:
        page = {"id": "cs_1", "object": "checkout.session", "created": BEGAN, "url": "https://pay.test/1"}
        asked = call("session", return_url="https://shop.test/r", capture=False, description="Tea")
        path, form = await self.sent(psp, asked, page)
        assert path == "POST /v1/checkout/sessions"
        assert form["payment_intent_data[capture_method]"] == "manual"
        assert form["line_items[0][price_data][unit_amount]"] == str(AMOUNT)
        assert form["line_items[0][price_data][product_data][name]"] == "Tea"
        for of in ("metadata", "payment_intent_data[metadata]"):
            assert {name: form[f"{of}[{name}]"] for name in P.metadata} == P.metadata
        assert form["success_url"] == "https://shop.test/r"

    async def test_authorize(self, psp: PspServer) -> None:
        path, form = await self.sent(
            psp, call("authorize", payment_method="pm_1"), intent("succeeded", amount_received=AMOUNT)
        )
        assert path == "POST /v1/payment_intents"
        assert (form["confirm"], form["payment_method"], form["capture_method"]) == (
            "true",
            "pm_1",
            "automatic",
        )
        assert (form["amount"], form["currency"]) == (str(AMOUNT), "eur")
        assert form["automatic_payment_methods[allow_redirects]"] == "never"

    async def test_capture(self, psp: PspServer) -> None:
        path, form = await self.sent(
            psp, call("capture", amount=700), intent("succeeded", amount_received=700)
        )
        assert path == f"POST /v1/payment_intents/{P.intent}/capture"
        assert (form["amount_to_capture"], form["metadata[capture_id]"]) == ("700", "cap-1")

    async def test_void(self, psp: PspServer) -> None:
        path, _ = await self.sent(psp, call("void"), intent("canceled"))
        assert path == f"POST /v1/payment_intents/{P.intent}/cancel"

    async def test_void_of_a_page(self, psp: PspServer) -> None:
        page = {"id": "cs_1", "object": "checkout.session", "created": BEGAN}
        path, _ = await self.sent(psp, call("void", psp_payment_id="cs_1"), page)
        assert path == "POST /v1/checkout/sessions/cs_1/expire"

    async def test_refund(self, psp: PspServer) -> None:
        path, form = await self.sent(psp, call("refund"), thing(P.refund_created()))
        assert path == "POST /v1/refunds"
        assert (form["payment_intent"], form["amount"]) == (P.intent, str(REFUNDED))
        assert form["metadata[refund_id]"] == "re-1"

    async def test_refund_of_a_charge(self, psp: PspServer) -> None:
        _, form = await self.sent(psp, call("refund", psp_payment_id=P.charge), thing(P.refund_created()))
        assert form["charge"] == P.charge

    async def test_payout(self, psp: PspServer) -> None:
        path, form = await self.sent(psp, call("payout", destination="ba_1"), PAYOUT)
        assert path == "POST /v1/payouts"
        assert (form["destination"], form["metadata[payout_id]"]) == ("ba_1", "po-1")

    async def test_get(self, psp: PspServer) -> None:
        path, _ = await self.sent(psp, call("get"), intent("processing"))
        assert path == f"GET /v1/payment_intents/{P.intent}"

    @pytest.mark.parametrize(
        ("currency", "amount", "sent"),
        [("JPY", 80, "80"), ("KWD", 5120, "5120"), ("EUR", 1050, "1050"), ("ISK", 500, "50000"),
         ("UGX", 500, "50000"), ("MGA", 50_000, "500")],
    )  # fmt: skip
    async def test_amounts_go_out_as_they_come_in(
        self, psp: PspServer, currency: str, amount: int, sent: str
    ) -> None:
        asked = call("authorize", currency=currency, amount=amount, payment_method="pm_1")
        made = intent("requires_capture", amount=int(sent), currency=currency.lower())
        answered = await answer(psp, asked, says(200, made))
        assert psp.seen[0].form["amount"] == sent
        assert [(fact.amount, fact.currency) for fact in answered.facts] == [(amount, currency)]

    @pytest.mark.parametrize(
        ("operation", "currency", "amount"),
        [("authorize", "KWD", 5125), ("authorize", "MGA", 150), ("payout", "HUF", 1050)],
    )
    async def test_amounts_that_stripe_has_no_number_for(
        self, psp: PspServer, operation: str, currency: str, amount: int
    ) -> None:
        answered = await answer(psp, call(operation, currency=currency, amount=amount))
        assert (answered.kind, psp.seen) == ("declined", [])

    async def test_an_operation_on_a_payment_that_stripe_never_named(self, psp: PspServer) -> None:
        for operation in ("capture", "void", "refund"):
            answered = await answer(psp, call(operation, psp_payment_id=None))
            assert (answered.kind, psp.seen) == ("misconfigured", [])

    async def test_a_page_needs_an_address_to_come_back_to(self, psp: PspServer) -> None:
        assert (await answer(psp, call("session"))).kind == "declined"


def same(fact: PspFact) -> tuple[Any, ...]:
    """What makes two facts one, and their figures."""
    ids = (fact.psp, fact.psp_payment_id, fact.psp_object_id, fact.object_id)
    ours = (fact.merchant_id, fact.payment_id, fact.order_ref)
    return (fact.kind, *ids, *ours, fact.amount, fact.currency, fact.fee)


def with_metadata(event: Json, metadata: Json) -> Json:
    return {**event, "data": {"object": thing(event, metadata=metadata)}}


FAILED = P.event(
    "payment_intent.payment_failed",
    2,
    intent("requires_payment_method", last_payment_error={"decline_code": "insufficient_funds"}),
)
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

    async def test_a_payment_whose_id_nobody_knows_is_searched_for(self, psp: PspServer) -> None:
        found = {"object": "search_result", "data": [intent("requires_capture")], "has_more": False}
        asked = call("get", psp_payment_id=None, payment_id="o'x")
        answered = await answer(psp, asked, says(200, found), says(200, intent("requires_capture")))
        assert [fact.kind for fact in answered.facts] == ["authorized"]
        assert "o%5C'x" in psp.seen[0].path
        nothing = {"object": "search_result", "data": [], "has_more": False}
        assert (await answer(psp, asked, says(200, nothing))).kind == "unknown"


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
