"""Stripe's API: what is sent for each operation, and what is not sent at all."""

from __future__ import annotations

import pytest

from app.domain.psp_calls import PspCall, idempotency_key
from tests.psp.stripe_world import (
    KEY,
    PAYOUT,
    Json,
    P,
    answer,
    call,
    intent,
    thing,
)
from tests.support.psp_payments import AMOUNT, BEGAN, REFUNDED
from tests.support.psp_server import PspServer, says


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

    @pytest.mark.parametrize("operation", ["capture", "void", "refund"])
    async def test_a_payment_whose_id_has_not_come_yet_is_searched_for(
        self, psp: PspServer, operation: str
    ) -> None:
        made = thing(P.refund_created()) if operation == "refund" else intent("canceled")
        found = {"object": "search_result", "data": [intent("requires_capture")]}
        asked = call(operation, psp_payment_id=None)
        assert (await answer(psp, asked, says(200, found), says(200, made))).kind == "done"
        assert P.intent in psp.seen[1].path + psp.seen[1].body.decode()
        nothing = {"object": "search_result", "data": []}
        assert (await answer(psp, asked, says(200, nothing))).kind == "unknown"

    async def test_a_page_needs_an_address_to_come_back_to(self, psp: PspServer) -> None:
        assert (await answer(psp, call("session"))).kind == "declined"
