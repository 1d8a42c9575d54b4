"""Every way a call to Adyen can fail, over a real connection, and what is concluded from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.psp.adapter import Access
from app.psp.adyen_calls import connect
from tests.psp.adyen_world import ACCOUNT, KEYS, answer, call, payment, received
from tests.support.psp_server import PspServer, Respond, breaks_off, hangs, resets, says


def fault(code: str, kind: str = "validation") -> dict[str, Any]:
    return {"status": 422, "errorCode": code, "message": "Some words", "errorType": kind}


ERRORS = [
    (401, {"status": 401, "errorCode": "000", "message": "HTTP Status Response - Unauthorized"},
     "misconfigured", "Unauthorized"),
    (403, fault("901", "security"), "misconfigured", "901 Some words"),
    (422, fault("167"), "misconfigured", "167 Some words"),
    (422, fault("137"), "declined", "invalid_amount"),
    (422, fault("803"), "declined", "stored_method_not_found"),
    (422, fault("704"), "unknown", "704 Some words"),
    (404, "<html>", "misconfigured", "HTTP 404"),
    (409, {"title": "Conflict", "detail": "In progress"}, "unknown", "In progress"),
    (500, fault("905", "configuration"), "misconfigured", "905 Some words"),
    (500, fault("000", "internal"), "unknown", "000 Some words"),
    (502, "<html>bad gateway", "unknown", "HTTP 502"),
    (307, {}, "unknown", "HTTP 307"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "reason"), ERRORS)
async def test_errors(psp: PspServer, status: int, body: Any, kind: str, reason: str) -> None:
    away = {"Location": "https://elsewhere.test/"} if status == 307 else {}
    answered = await answer(psp, call("capture"), says(status, body, **away))
    assert (answered.kind, len(psp.seen)) == (kind, 1)
    assert re.search(reason, answered.reason or "")


async def test_a_transient_error_is_asked_again(psp: PspServer) -> None:
    answered = await answer(psp, call("capture"), says(422, fault("000"), Transient_Error="true"))
    assert answered.kind == "unknown"


@pytest.mark.parametrize("status", [429, 503])
async def test_busy(psp: PspServer, status: int) -> None:
    answered = await answer(psp, call("refund"), says(status, "slow down", Retry_After="3"))
    assert (answered.kind, answered.retry_after_seconds) == ("retry", 3.0)


async def test_nothing_is_sent_where_nobody_listens(psp: PspServer, unused_tcp_port: int) -> None:
    access = Access(KEYS, f"http://127.0.0.1:{unused_tcp_port}", ACCOUNT)
    assert (await connect(access, psp.session).perform(call("capture"))).kind == "retry"


async def test_an_address_that_is_none(psp: PspServer) -> None:
    answered = await connect(Access(KEYS, "nowhere", ACCOUNT), psp.session).perform(call("capture"))
    assert answered.kind == "misconfigured"


@pytest.mark.parametrize("broken", [resets, breaks_off], ids=["reset", "broken off"])
@pytest.mark.parametrize("operation", ["authorize", "refund", "payout"])
async def test_a_connection_that_breaks_leaves_it_open(
    psp: PspServer, operation: str, broken: Respond
) -> None:
    assert (await answer(psp, call(operation), broken)).kind == "unknown"


async def test_no_answer_in_time_leaves_it_open(psp: PspServer) -> None:
    answered = await answer(psp, call("capture"), hangs, seconds=1)
    assert (answered.kind, answered.reason) == ("unknown", "no answer in time")


@pytest.mark.parametrize("garbage", ["", "<html>", "[]", "{}", '{"pspReference": 7}', '{"resultCode": [}'])
@pytest.mark.parametrize("operation", ["authorize", "payout"])
async def test_an_answer_that_cannot_be_read_leaves_it_open(
    psp: PspServer, operation: str, garbage: str
) -> None:
    assert (await answer(psp, call(operation), says(200, garbage))).kind == "unknown"


async def test_a_reason_shows_no_card_number(psp: PspServer) -> None:
    refused = payment("Refused", refusalReason="card 4111 1111 1111 1111 is blocked")
    answered = await answer(psp, call("authorize"), says(200, refused))
    assert answered.reason == "card [card number] is blocked"
    assert "4111" not in str(answered)


async def test_a_modification_without_a_reference_is_accepted_all_the_same(psp: PspServer) -> None:
    answered = await answer(psp, call("capture"), says(201, {**received(), "pspReference": None}))
    assert (answered.kind, answered.psp_object_id) == ("done", None)
