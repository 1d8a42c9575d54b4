"""The sandbox PSP's caller against the real server: every operation, every way an answer can be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from app.access import Access
from app.domain.psp_calls import Operation, PspAnswer, PspCall
from app.domain.psp_facts import PspFact, is_addressed
from app.psp.adapter import Caller
from app.psp.sandbox import ADAPTER
from tests.support.sandbox import API_KEY, Psp, sandbox
from tests.support.waiting import eventually, free_port
from tests.support.webhook_inbox import inbox

QUICK = 0.3
"""Seconds of a caller that does not wait long."""


def call(operation: Operation, psp_payment_id: str | None = None, **more: Any) -> PspCall:
    fields: dict[str, Any] = {
        "psp": "sandbox",
        "merchant_id": "m-1",
        "payment_id": "pay-1",
        "object_id": "pay-1",
        "amount": 10_000,
        "currency": "EUR",
        "order_ref": "o-1",
    }
    return PspCall(operation=operation, psp_payment_id=psp_payment_id, **{**fields, **more})


def caller(session: aiohttp.ClientSession, url: str, seconds: float = 5.0, key: str = API_KEY) -> Caller:
    assert ADAPTER.connect is not None
    return ADAPTER.connect(Access(key, url, timeout_seconds=seconds), session)


@asynccontextmanager
async def world(faults: Any = None, seconds: float = 5.0, **more: Any) -> AsyncIterator[tuple[Psp, Caller]]:
    async with sandbox(faults, **more) as psp, aiohttp.ClientSession() as session:
        yield psp, caller(session, psp.url, seconds)


def authorize(token: str = "tok_ok", **more: Any) -> PspCall:
    return call("authorize", payment_method=token, **more)


def kinds(answer: PspAnswer) -> list[str]:
    return [fact.kind for fact in answer.facts]


async def test_take_at_once() -> None:
    async with world() as (psp, api):
        answer = await api.perform(authorize())
        assert (answer.kind, kinds(answer)) == ("done", ["captured"])
        (fact,) = answer.facts
        assert (fact.amount, fact.psp_payment_id, fact.psp_object_id) == (10_000, answer.psp_object_id, None)
        assert (fact.merchant_id, fact.payment_id, fact.order_ref) == ("m-1", "pay-1", "o-1")
        assert await api.perform(authorize()) == answer
        assert len((await psp.books())["charges"]) == 1


async def test_authorise_then_capture_in_parts_then_refund() -> None:
    async with world() as (_, api):
        made = await api.perform(authorize(capture=False))
        assert kinds(made) == ["authorized"]
        charge = made.psp_object_id
        part = await api.perform(call("capture", charge, object_id="cap-1", amount=4_000))
        (captured,) = part.facts
        assert (captured.kind, captured.object_id, captured.amount) == ("captured", "cap-1", 4_000)
        assert captured.psp_object_id == part.psp_object_id != charge
        too_much = await api.perform(call("capture", charge, object_id="cap-2", amount=6_001))
        assert (too_much.kind, too_much.reason) == ("declined", "exceeds_authorized")
        back = await api.perform(call("refund", charge, object_id="re-1", amount=1_500))
        (refunded,) = back.facts
        assert (refunded.kind, refunded.object_id, refunded.amount) == ("refunded", "re-1", 1_500)
        seen = await api.perform(call("get", charge))
        assert kinds(seen) == ["authorized", "captured", "refunded"]
        assert seen.facts[1:] == (captured, refunded)


async def test_void_and_a_void_that_comes_too_late() -> None:
    async with world() as (_, api):
        early = await api.perform(authorize(capture=False))
        gone = await api.perform(call("void", early.psp_object_id))
        assert (gone.kind, kinds(gone)) == ("done", ["authorized", "voided"])
        taken = await api.perform(authorize(payment_id="pay-2", object_id="pay-2"))
        late = await api.perform(call("void", taken.psp_object_id, payment_id="pay-2", object_id="pay-2"))
        assert (late.kind, late.reason) == ("declined", "not_voidable")


@pytest.mark.parametrize("token", ["tok_declined", "tok_insufficient_funds"])
async def test_a_decline_is_final_and_a_fact(token: str) -> None:
    async with world() as (_, api):
        answer = await api.perform(authorize(token))
        reason = {"tok_declined": "card_declined"}.get(token, "insufficient_funds")
        assert (answer.kind, answer.reason, kinds(answer)) == ("declined", reason, ["failed"])
        assert (answer.facts[0].reason, answer.facts[0].psp_payment_id) == (reason, answer.psp_object_id)


async def test_a_means_of_payment_that_the_psp_does_not_know_is_declined() -> None:
    async with world() as (psp, api):
        answer = await api.perform(authorize("tok_nobody"))
        assert (answer.kind, answer.reason, answer.facts) == ("declined", "invalid_token", ())
        assert (await psp.books())["charges"] == []


async def test_three_d_secure_says_where_to_go() -> None:
    async with world() as (psp, api):
        answer = await api.perform(authorize("tok_3ds_ok"))
        assert (answer.kind, kinds(answer)) == ("done", ["action_required"])
        assert answer.url is not None
        await psp.form(answer.url.removeprefix(psp.url), answer="approve")
        seen = await api.perform(call("get", answer.psp_object_id))
        assert (kinds(seen), seen.url) == (["captured"], None)


async def test_a_hosted_page() -> None:
    async with world() as (psp, api):
        page = await api.perform(call("session", return_url="http://shop.example/back", description="Shoes"))
        assert (page.kind, page.facts) == ("done", ())
        assert page.url is not None
        assert (await api.perform(call("get", page.psp_object_id))).facts == ()
        paid = await psp.form(page.url.removeprefix(psp.url), token="tok_ok")
        assert paid == (303, "http://shop.example/back")
        assert kinds(await api.perform(call("get", page.psp_object_id))) == ["captured"]
        by_page = await api.perform(call("get", page.url.rpartition("/")[2]))
        assert kinds(by_page) == ["captured"]


async def test_a_payout_is_told_by_webhook_and_seen_when_asked() -> None:
    async with world() as (_, api):
        ids: dict[str, Any] = {"payment_id": None, "object_id": "po-1", "order_ref": None}
        asked = await api.perform(call("payout", destination="acct_returns", **ids))
        assert (asked.kind, asked.facts) == ("done", ())

        async def seen() -> Any:
            answer = await api.perform(call("get", **ids))
            return answer if "payout_returned" in kinds(answer) else None

        answer: Any = await eventually(seen, 5, "the payout to come back")
        assert kinds(answer) == ["payout_paid", "payout_returned"]
        paid = answer.facts[0]
        assert (paid.payment_id, paid.psp_payment_id, paid.fee) == ("po-1", asked.psp_object_id, 25)


async def test_without_the_psps_id_a_payment_is_found_by_ours() -> None:
    async with world() as (_, api):
        nothing = await api.perform(call("get"))
        assert (nothing.kind, nothing.reason) == ("declined", "not_found")
        made = await api.perform(authorize())
        assert kinds(await api.perform(call("get"))) == ["captured"]
        back = await api.perform(call("refund", object_id="re-1", amount=1))
        assert back.facts[0].psp_payment_id == made.psp_object_id


async def test_an_answer_and_the_webhook_about_it_are_one_fact() -> None:
    async with inbox() as box, world(webhook_url=box.url) as (psp, api):
        made = await api.perform(authorize(capture=False))
        charge = made.psp_object_id or ""
        answers = [made, await api.perform(call("capture", charge, object_id="cap-1", amount=9_000))]
        answers.append(await api.perform(call("refund", charge, object_id="re-1", amount=2_000)))
        answers.append(await api.perform(authorize("tok_declined", payment_id="pay-2", object_id="pay-2")))
        dispute = (await psp.post(f"/_control/charges/{charge}/disputes", {"amount": 500}))[1]
        await psp.post(f"/_control/disputes/{dispute['id']}/win")
        await psp.post(f"/_control/refunds/{answers[2].psp_object_id}/fail")
        ids: dict[str, Any] = {"payment_id": None, "object_id": "po-1", "order_ref": None}
        await api.perform(call("payout", destination="acct_returns", **ids))
        await box.has("payout_returned")
        await box.took(9)
        told = list(box.facts.values())
        assert all(is_addressed(fact) for fact in told)
        seen = [
            *(await api.perform(call("get", charge))).facts,
            *(await api.perform(call("get", **ids))).facts,
        ]
        answered = {each for answer in answers for each in map(_text, answer.facts)}
        assert answered <= set(map(_text, told))
        failed = {_text(fact) for fact in told if fact.kind == "failed"}
        assert set(map(_text, seen)) | failed == set(map(_text, told))


def _text(fact: PspFact) -> str:
    return repr(fact)


@pytest.mark.parametrize("token", ["tok_timeout", "tok_error_but_done", "tok_error"])
async def test_nobody_knows_until_it_is_asked_again(token: str) -> None:
    async with world(seconds=QUICK) as (psp, api):
        first = await api.perform(authorize(token))
        assert (first.kind, first.facts) == ("unknown", ())
        second = await api.perform(authorize(token))
        assert (second.kind, kinds(second)) == ("done", ["captured"])
        assert len((await psp.books())["movements"]) == 1


@pytest.mark.parametrize(
    ("faults", "kind", "happened"),
    [
        ({"timeouts_before": 1.0}, "unknown", 0),
        ({"timeouts_after": 1.0}, "unknown", 1),
        ({"errors_before": 1.0}, "unknown", 0),
        ({"errors_after": 1.0}, "unknown", 1),
        ({"throttled": 1.0, "retry_after_seconds": 7}, "retry", 0),
        ({"timeouts_after": 1.0, "hang_seconds": 0.0}, "unknown", 1),
    ],
)
async def test_faults_of_the_psp(faults: dict[str, Any], kind: str, happened: int) -> None:
    async with world(faults, seconds=QUICK) as (psp, api):
        answer = await api.perform(authorize())
        assert (answer.kind, answer.facts) == (kind, ())
        assert answer.retry_after_seconds == (7.0 if kind == "retry" else None)
        assert len((await psp.books())["charges"]) == happened


async def test_a_slow_answer_is_an_answer() -> None:
    async with world() as (_, api):
        assert kinds(await api.perform(authorize("tok_slow"))) == ["captured"]


async def test_nobody_there() -> None:
    async with aiohttp.ClientSession() as session:
        away = await caller(session, f"http://127.0.0.1:{free_port()}").perform(authorize())
        assert away.kind == "retry"
        assert ADAPTER.connect is not None
        nowhere = await ADAPTER.connect(Access("key"), session).perform(authorize())
        assert (nowhere.kind, nowhere.reason) == (
            "misconfigured",
            "TALLYSTICK_PSP_SANDBOX_API_URL is not set",
        )


async def test_what_no_repeat_will_help() -> None:
    async with world() as (psp, api), aiohttp.ClientSession() as session:
        wrong_key = await caller(session, psp.url, key="sk_other").perform(authorize())
        assert (wrong_key.kind, (wrong_key.reason or "")[:12]) == ("misconfigured", "unauthorized")
        no_charge = await api.perform(call("capture", "ch_none", object_id="cap-1"))
        assert (no_charge.kind, (no_charge.reason or "")[:9]) == ("misconfigured", "not_found")
        other_place = await caller(session, f"{psp.url}/pay").perform(authorize())
        assert (other_place.kind, other_place.reason) == ("misconfigured", "HTTP 404")
        await api.perform(authorize())
        changed = await api.perform(authorize(amount=1))
        assert (changed.kind, (changed.reason or "")[:20]) == ("misconfigured", "idempotency_conflict")
