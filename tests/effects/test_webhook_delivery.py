"""One webhook to a real HTTP server: what it is sent, and what each kind of answer leads to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from app.domain.webhook_endpoint import WebhookEndpointDisable
from app.effects.retry_after import retry_after_seconds
from app.effects.webhook_delivery import live_generations, printable
from tests.support.deliveries import NOW, SECRETS, KnownEndpoints, attempt, delivering
from tests.support.receiver import Received, receiving

FAR = datetime(2100, 1, 1, tzinfo=UTC)
PAST = datetime(2000, 1, 1, tzinfo=UTC)


def secret(generation: int) -> str:
    return SECRETS.secret("m-1", "we_1", generation)


async def test_what_is_sent_is_the_body_as_it_was_signed_and_named() -> None:
    async with receiving() as merchant, delivering() as kind:
        sent = attempt(merchant.url, seq=7, object="payment/pay 1")
        outcome = await kind.perform(sent)
    (got,) = merchant.received
    assert (outcome.outcome, outcome.status_code) == ("done", 200)
    assert got.body == sent.work.body.encode()  # type: ignore[union-attr]
    assert got.headers["webhook-id"] == "pc.0.7.7"
    assert got.headers["tallystick-sequence"] == "7"
    assert got.headers["tallystick-object"] == "payment/pay%201"
    assert got.headers["Content-Type"] == "application/json"
    assert got.is_signed_with(secret(1))
    assert not got.is_signed_with(secret(2))


async def test_the_signature_is_the_standards() -> None:
    """Computed here from the words of the specification, without any library."""
    async with receiving() as merchant, delivering() as kind:
        await kind.perform(attempt(merchant.url))
    (got,) = merchant.received
    headers = got.headers
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), got.body])
    key = base64.b64decode(secret(1).removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


async def test_a_forged_body_does_not_verify() -> None:
    async with receiving() as merchant, delivering() as kind:
        await kind.perform(attempt(merchant.url))
    (got,) = merchant.received
    assert not got._replace(body=got.body.replace(b"captured", b"refunded")).is_signed_with(secret(1))
    assert not got._replace(headers={**got.headers, "webhook-id": "pc.0.7.2"}).is_signed_with(secret(1))


async def test_during_a_rotation_both_secrets_verify_and_then_the_old_one_stops() -> None:
    endpoints = KnownEndpoints()
    async with receiving() as merchant, delivering(endpoints) as kind:
        for until in (FAR, PAST, None):
            endpoints.put(merchant.url, generation=2, previous_until=until)
            await kind.perform(attempt(merchant.url))
    both, over, at_once = merchant.received
    assert [both.is_signed_with(secret(n)) for n in (1, 2)] == [True, True]
    assert [over.is_signed_with(secret(n)) for n in (1, 2)] == [False, True]
    assert [at_once.is_signed_with(secret(n)) for n in (1, 2)] == [False, True]


async def test_a_late_attempt_goes_where_the_endpoint_is_now() -> None:
    """Asked for before a rotation and a move: the secret that was thrown away signs nothing any more."""
    endpoints = KnownEndpoints()
    async with receiving() as merchant, delivering(endpoints) as kind:
        endpoints.put(merchant.url.replace("/hooks", "/moved"), generation=3)
        await kind.perform(attempt(merchant.url, generation=1, number=4))
    (got,) = merchant.received
    assert got.path == "/moved"
    assert [got.is_signed_with(secret(n)) for n in (1, 2, 3)] == [False, False, True]


async def test_what_is_known_of_the_endpoint_may_be_older_than_the_request() -> None:
    endpoints = KnownEndpoints()
    async with receiving() as merchant, delivering(endpoints) as kind:
        endpoints.put("http://127.0.0.1:1/left", generation=1)
        outcome = await kind.perform(attempt(merchant.url, generation=2))
    assert outcome.outcome == "done"
    assert merchant.received[0].is_signed_with(secret(2))


async def test_a_disabled_endpoint_is_not_called() -> None:
    endpoints = KnownEndpoints()
    async with receiving() as merchant, delivering(endpoints) as kind:
        endpoints.put(merchant.url, disabled=True)
        outcome = await kind.perform(attempt(merchant.url))
    assert (outcome.outcome, outcome.reason) == ("failed", "the endpoint is disabled")
    assert merchant.received == []


async def test_every_attempt_has_the_events_id_and_a_time_of_its_own() -> None:
    async with receiving() as merchant, delivering() as kind:
        merchant.answers = [web.Response(status=500, text="broken\nhere"), web.Response(status=204)]
        first = await kind.perform(attempt(merchant.url))
        second = await kind.perform(attempt(merchant.url, number=2))
    assert (first.outcome, first.status_code, first.reason) == ("retry", 500, "broken here")
    assert (second.outcome, second.status_code) == ("done", 204)
    assert {got.headers["webhook-id"] for got in merchant.received} == {"pc.0.7.1"}
    assert {got.body for got in merchant.received} == {merchant.received[0].body}


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 502, 503])
async def test_whatever_else_is_answered_is_tried_again(status: int) -> None:
    async with receiving() as merchant, delivering() as kind:
        merchant.answers = [web.Response(status=status, headers={"Retry-After": "17"})]
        outcome = await kind.perform(attempt(merchant.url))
    assert (outcome.outcome, outcome.status_code, outcome.retry_after_seconds) == ("retry", status, 17)


async def test_an_endpoint_that_is_gone_is_told_to_the_merchants_lane() -> None:
    async with receiving() as merchant, delivering() as kind:
        merchant.answers = [web.Response(status=410)]
        outcome = await kind.perform(attempt(merchant.url))
    assert outcome.outcome == "failed"
    (answer,) = outcome.answers
    assert (answer.topic, answer.key) == ("payments.commands", "m-1")
    assert isinstance(answer.record, WebhookEndpointDisable)
    assert (answer.record.id, answer.record.endpoint_id) == ("gone/pc.0.7.1/we_1", "we_1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with receiving() as merchant, delivering() as kind:
        inside = merchant.url.replace("/hooks", "/inside")
        merchant.answers = [web.Response(status=status, headers={"Location": inside})]
        outcome = await kind.perform(attempt(merchant.url))
    assert (outcome.outcome, outcome.reason) == ("retry", "redirects are not followed")
    assert [got.path for got in merchant.received] == ["/hooks"]


async def test_an_endpoint_that_hangs_costs_its_own_time_only() -> None:
    async with receiving() as merchant, delivering(timeout_seconds=0.3) as kind:
        merchant.handler = merchant.hang
        outcome = await kind.perform(attempt(merchant.url))
    assert (outcome.outcome, outcome.reason) == ("retry", "no complete answer in time")


async def test_an_endless_body_is_cut_and_the_status_counts() -> None:
    async def endless(got: Received, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    async with receiving() as merchant, delivering() as kind:
        merchant.handler = endless
        outcome = await kind.perform(attempt(merchant.url))
    assert outcome.outcome == "done"


async def test_no_connection_is_tried_again() -> None:
    async with receiving() as merchant:
        url = merchant.url
    async with delivering() as kind:
        outcome = await kind.perform(attempt(url))
    assert (outcome.outcome, outcome.reason) == ("retry", "no connection to the endpoint")


async def test_a_name_that_does_not_exist_is_tried_again() -> None:
    async with delivering() as kind:
        outcome = await kind.perform(attempt("https://merchant.invalid/hooks"))
    assert (outcome.outcome, outcome.reason) == ("retry", "the host's name could not be resolved")


async def test_cookies_are_not_kept() -> None:
    async with receiving() as merchant, delivering() as kind:
        merchant.answers = [web.Response(headers={"Set-Cookie": "session=1; Path=/"})]
        for number in (1, 2):
            await kind.perform(attempt(merchant.url, number))
    assert [got.headers.get("Cookie") for got in merchant.received] == [None, None]


def test_which_generations_sign() -> None:
    def live(generation: int, until: datetime | None) -> list[int]:
        work = attempt("https://x.example/", generation=generation, previous_until=until).work
        return live_generations(work, NOW)  # type: ignore[arg-type]

    assert live(1, None) == [1]
    assert live(1, FAR) == [1]
    assert live(2, NOW + timedelta(seconds=1)) == [2, 1]
    assert live(2, NOW) == [2]
    assert live(5, FAR) == [5, 4]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("0", 0.0),
        ("120", 120.0),
        ("99999999999999999999", 86_400.0),
        ("Fri, 20 Nov 2026 09:01:30 GMT", 90.0),
        ("Fri, 20 Nov 2026 08:00:00 GMT", 0.0),
        ("Fri, 20 Nov 2999 08:00:00 GMT", 86_400.0),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_what_people_are_shown_of_an_answer() -> None:
    assert printable("a\x00b\x1b[31m\n" + "c" * 500) == ("a b [31m " + "c" * 500)[:200]
