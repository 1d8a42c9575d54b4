"""Adyen's API: what is sent for each operation, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.psp_calls import PspAnswer, idempotency_key
from app.psp.adapter import EventIgnored
from app.psp.adyen_calls import OPERATIONS
from tests.psp.adyen_world import MOD, PAY, Json, P, answer, call, payment, received, transfer
from tests.psp.reports import facts_of, same
from tests.support.psp_payments import AMOUNT, REFUNDED
from tests.support.psp_server import PspServer, says
from tests.support.webhooks import Delivery, adyen_delivery, encoded

EUR = {"value": AMOUNT, "currency": "EUR"}
ACCOUNT = {"merchantAccount": "TallystickEU"}
REFERENCED = {**ACCOUNT, "amount": EUR, "reference": "capture_id:cap-1"}
PAYMENT = {
    **ACCOUNT,
    "amount": EUR,
    "reference": "o-pay-1",
    "returnUrl": "https://shop.test/r",
    "metadata": {"merchant_id": "m-1", "payment_id": "pay-1", "order_ref": "o-pay-1"},
}
STORED = {
    "paymentMethod": {"storedPaymentMethodId": "M5N7TQ4TG5PFWR50"},
    "shopperReference": "shopper-1",
    "shopperInteraction": "ContAuth",
    "recurringProcessingModel": "CardOnFile",
}
TRANSFER = {
    "amount": EUR,
    "balanceAccountId": "BA0000000000001",
    "category": "bank",
    "counterparty": {"transferInstrumentId": "SE0000000000001"},
    "priority": "regular",
    "reference": "payout_id:m-1/po-1",
}
PAGE = {"id": "CS1", "url": "https://pay.test/1", "sessionData": "x"}
REQUESTS: list[tuple[str, Json, str, Json, Json]] = [
    ("session", {}, "/sessions", PAGE, {**PAYMENT, "mode": "hosted", "captureDelayHours": 0}),
    ("authorize", {}, "/payments", payment("Authorised"), {**PAYMENT, **STORED, "captureDelayHours": 0}),
    ("authorize", {"capture": False}, "/payments", payment("Authorised"),
     {**PAYMENT, **STORED, "additionalData": {"manualCapture": "true"}}),
    ("capture", {}, f"/payments/{PAY}/captures", received(), REFERENCED),
    ("void", {}, f"/payments/{PAY}/cancels", received(), {**ACCOUNT, "reference": "pay-1"}),
    ("refund", {}, f"/payments/{PAY}/refunds", received(),
     {**ACCOUNT, "amount": {**EUR, "value": REFUNDED}, "reference": "refund_id:re-1"}),
    ("payout", {}, "/btl/v4/transfers", transfer("received"), TRANSFER),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "fields", "path", "made", "document"), REQUESTS)
async def test_requests(
    psp: PspServer, operation: str, fields: Json, path: str, made: Json, document: Json
) -> None:
    asked = call(operation, **fields)
    assert (await answer(psp, asked, says(201, made))).kind == "done"
    (request,) = psp.seen
    assert (request.method, request.path, request.json) == ("POST", path, document)
    assert request.headers["idempotency-key"] == idempotency_key(asked)
    key = "transfers-key" if operation == "payout" else "checkout-key"
    assert request.headers["x-api-key"] == key


def test_every_operation_is_there() -> None:
    assert set(OPERATIONS) == {"session", "authorize", "capture", "void", "refund", "payout", "get"}


async def test_what_checkout_cannot_be_asked_is_told_by_webhook(psp: PspServer) -> None:
    assert await answer(psp, call("get")) == PspAnswer(kind="done")
    assert psp.seen == []


NOT_SENT: list[tuple[str, Json, str]] = [
    ("authorize", {"payment_method": "M5N7TQ4TG5PFWR50"}, "declined"),
    ("authorize", {"payment_method": None}, "declined"),
    ("authorize", {"return_url": None}, "declined"),
    ("session", {"return_url": None}, "declined"),
    ("session", {"payment_id": "p" * 81}, "misconfigured"),
    ("capture", {"currency": "CVE", "amount": 150}, "declined"),
    ("capture", {"psp_payment_id": None}, "misconfigured"),
    ("payout", {"destination": None}, "misconfigured"),
    ("payout", {"object_id": "p" * 80}, "misconfigured"),
]


@pytest.mark.parametrize(("operation", "fields", "kind"), NOT_SENT)
async def test_what_adyen_cannot_take_is_not_sent(
    psp: PspServer, operation: str, fields: Json, kind: str
) -> None:
    assert ((await answer(psp, call(operation, **fields))).kind, psp.seen) == (kind, [])


@pytest.mark.parametrize(("operation", "account"), [("capture", None), ("payout", "TallystickEU")])
async def test_an_account_that_is_missing(psp: PspServer, operation: str, account: str | None) -> None:
    answered = await answer(psp, call(operation), account=account)
    assert (answered.kind, psp.seen) == ("misconfigured", [])


async def test_long_references_are_left_to_adyens_own(psp: PspServer) -> None:
    """The webhook then has no id of ours; the answer has Adyen's, by which it is known."""
    answered = await answer(psp, call("refund", object_id="r" * 80), says(201, received()))
    assert "reference" not in psp.seen[0].json
    assert answered.psp_object_id == MOD


@pytest.mark.parametrize(
    ("currency", "amount", "sent"),
    [("JPY", 80, 80), ("KWD", 5125, 5125), ("CLP", 500, 50_000), ("ISK", 500, 50_000), ("IDR", 50_000, 500)],
)
async def test_amounts_go_out_as_they_come_in(psp: PspServer, currency: str, amount: int, sent: int) -> None:
    asked = call("authorize", currency=currency, amount=amount, capture=False)
    theirs = {"value": sent, "currency": currency}
    answered = await answer(psp, asked, says(200, payment("Authorised", amount=theirs)))
    assert psp.seen[0].json["amount"] == theirs
    assert [(fact.amount, fact.currency) for fact in answered.facts] == [(amount, currency)]


def notification(**fields: Any) -> Delivery:
    """What Adyen tells of the payment, with our metadata as it gives them back."""
    return adyen_delivery({**P.six()[0], "merchantReference": "o-pay-1", **fields})


def with_delay(item: Json) -> Json:
    return {**item["additionalData"], "captureDelayHours": "0"}


def told_of_transfer(document: Json) -> Delivery:
    body = {"type": "balancePlatform.transfer.updated", "timestamp": "2026-11-20T10:00:00Z", "data": document}
    return Delivery("adyen", {}, encoded(body))


class TestOneFact:
    """An answer and its webhook are one fact: the same ids, the same figures."""

    @pytest.mark.parametrize("capture", [True, False])
    async def test_authorised(self, psp: PspServer, capture: bool) -> None:
        item = P.six()[0]
        told = notification(additionalData=with_delay(item)) if capture else notification()
        answered = await answer(psp, call("authorize", capture=capture), says(200, payment("Authorised")))
        assert [same(fact) for fact in answered.facts] == [same(fact) for fact in facts_of(told)]
        assert len(answered.facts) == 1 + capture
        assert answered.facts[0].payment_id == "pay-1"

    async def test_refused(self, psp: PspServer) -> None:
        told = notification(success="false", reason="Not enough balance")
        refused = payment("Refused", refusalReason="Not enough balance")
        answered = await answer(psp, call("authorize"), says(200, refused))
        assert [same(fact) for fact in answered.facts] == [same(fact) for fact in facts_of(told)]
        assert (answered.kind, answered.reason) == ("declined", "Not enough balance")

    @pytest.mark.parametrize(
        ("status", "events"),
        [("booked", ["received", "booked"]), ("failed", ["received"]), ("returned", ["booked"]),
         ("refused", []), ("failed", ["received", "booked"])],
    )  # fmt: skip
    async def test_payout(self, psp: PspServer, status: str, events: list[str]) -> None:
        made = transfer(status, *events)
        (told,) = facts_of(told_of_transfer({**made, "sequenceNumber": 3, "direction": "outgoing"}))
        answered = await answer(psp, call("payout"), says(202, made))
        assert [same(fact) for fact in answered.facts] == [same(told)]
        assert (told.merchant_id, told.payment_id, told.object_id) == ("m-1", "po-1", None)
        assert answered.kind == ("declined" if told.kind == "payout_failed" else "done")

    @pytest.mark.parametrize(
        ("code", "operation", "kind"), [("CAPTURE", "capture", "captured"), ("REFUND", "refund", "refunded")]
    )
    async def test_a_webhook_of_our_modification_names_its_object(
        self, psp: PspServer, code: str, operation: str, kind: str
    ) -> None:
        """What was sent as its reference comes back in it; Adyen's id of it was in the answer."""
        asked = call(operation)
        answered = await answer(psp, asked, says(201, received()))
        reference = psp.seen[0].json["reference"]
        bare = {**P.item(code, 60, MOD), "merchantReference": reference, "additionalData": {}}
        (told,) = facts_of(adyen_delivery(bare))
        assert (told.kind, told.object_id) == (kind, asked.object_id)
        assert told.psp_object_id in (None, answered.psp_object_id)
        assert told.order_ref is None


class TestAnswers:
    async def test_a_page(self, psp: PspServer) -> None:
        answered = await answer(psp, call("session"), says(201, PAGE))
        assert answered == PspAnswer(kind="done", psp_object_id="CS1", url="https://pay.test/1")

    async def test_a_step_of_the_payer_brings_an_address_and_no_fact(self, psp: PspServer) -> None:
        step = {"resultCode": "RedirectShopper", "action": {"type": "redirect", "url": "https://acs.test/1"}}
        answered = await answer(psp, call("authorize"), says(200, step))
        assert (answered.kind, answered.facts, answered.url) == ("done", (), "https://acs.test/1")

    @pytest.mark.parametrize("result", ["Received", "Pending", "AuthenticationFinished"])
    async def test_what_is_not_decided_brings_no_fact(self, psp: PspServer, result: str) -> None:
        answered = await answer(psp, call("authorize"), says(200, payment(result)))
        assert (answered.kind, answered.facts, answered.psp_object_id) == ("done", (), PAY)

    async def test_a_transfer_on_its_way_brings_no_fact(self, psp: PspServer) -> None:
        answered = await answer(psp, call("payout"), says(202, transfer("authorised")))
        assert (answered.kind, answered.facts, answered.psp_object_id) == ("done", (), "TR0000000000007")

    async def test_an_order_is_named_by_metadata_where_the_payment_is_ours(self, psp: PspServer) -> None:
        """Without an order of its own a payment goes under its id; that is no order."""
        bare = {**P.six()[0], "merchantReference": "pay-1"}
        named = {"metadata.merchant_id": "m-1", "metadata.payment_id": "pay-1"}
        (told,) = facts_of(adyen_delivery({**bare, "additionalData": named}))
        answered = await answer(
            psp,
            call("authorize", order_ref=None, capture=False),
            says(200, payment("Authorised", merchantReference="pay-1")),
        )
        assert psp.seen[0].json["reference"] == "pay-1"
        assert told.order_ref is answered.facts[0].order_ref is None


def test_transfers_that_are_not_our_payouts_are_ignored() -> None:
    for other in (
        transfer("booked", reference="rent"),
        transfer("booked", reference=None),
        transfer("received"),
    ):
        with pytest.raises(EventIgnored):
            facts_of(told_of_transfer(other))
