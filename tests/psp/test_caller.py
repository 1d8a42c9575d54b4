"""In front of every caller: card numbers stay here, faults become answers, and all is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from app.domain.psp_calls import PspAnswer, PspCall
from app.psp.adapter import Access, Adapter
from app.psp.caller import WatchedCaller, open_caller
from app.psp.health import BOUNDS_SECONDS, Health
from app.psp.registry import adapters
from tests.psp import stripe_world
from tests.support.psp_server import PspServer, Respond, hangs, resets, says

CARD = "4242424242424242"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def call(psp: str = "stripe", payment_method: str | None = None) -> PspCall:
    return PspCall(
        psp=psp,
        operation="authorize",
        merchant_id="m-1",
        payment_id="pay-1",
        object_id="pay-1",
        amount=500,
        currency="EUR",
        payment_method=payment_method,
    )


def callable_psps() -> list[str]:
    return sorted(name for name, adapter in adapters().items() if adapter.connect)


@pytest.mark.parametrize("name", callable_psps())
@pytest.mark.parametrize("written", [CARD, "4242 4242 4242 4242", f"shopper/{CARD}"])
async def test_no_card_number_leaves(psp: PspServer, name: str, written: str) -> None:
    caller = open_caller(adapters()[name], Access("key", psp.url, "Account"), psp.session)
    answer = await caller.perform(call(name, written))
    assert (answer.kind, psp.seen) == ("declined", [])
    assert CARD not in str(answer)


def test_stripe_and_adyen_are_called() -> None:
    assert {"stripe", "adyen"} <= set(callable_psps())


class Scripted:
    """A caller that gives these answers, or raises them."""

    def __init__(self, *answers: PspAnswer | Exception) -> None:
        self._answers = list(answers)

    async def perform(self, call: PspCall) -> PspAnswer:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    "answer",
    [
        PspAnswer(kind="done", psp_object_id="x" * 300),
        PspAnswer(kind="done", psp_object_id=""),
        PspAnswer(kind="done", psp_object_id="a\x00b"),
        PspAnswer(kind="done", url="https://psp.test/" + "x" * 1_000_000),
        PspAnswer(kind="declined", reason="a\x00b"),
    ],
)
async def test_an_answer_that_could_not_be_kept_is_unknown(answer: PspAnswer) -> None:
    """As a record it would be a dead letter: the call done, its payment without an answer for ever."""
    told = await WatchedCaller(Scripted(answer), Health("stripe")).perform(call())
    assert told.kind == "unknown"
    assert (told.reason or "").startswith("unreadable answer: ")
    assert len(told.reason or "") <= 200


async def test_a_fault_of_ours_is_an_answer_too() -> None:
    caller = WatchedCaller(Scripted(ZeroDivisionError("secret")), Health("stripe"))
    answer = await caller.perform(call())
    assert (answer.kind, answer.reason) == ("unknown", "a fault of this program: ZeroDivisionError")
    assert caller.health.failures_in_a_row == 1


async def test_each_call_is_counted_with_its_time() -> None:
    clock: Iterator[float] = iter([0.0, 0.2, 10.0, 10.4])
    caller = WatchedCaller(
        Scripted(PspAnswer(kind="done"), PspAnswer(kind="declined")), Health("stripe"), clock=clock.__next__
    )
    await caller.perform(call())
    await caller.perform(call())
    health = caller.health
    assert (health.calls, health.answers["done"], health.answers["declined"]) == (2, 1, 1)
    assert health.mean_seconds == pytest.approx(0.3)
    assert [count for count in health.buckets if count] == [1, 1]


async def test_a_call_that_is_cut_off_is_counted(psp: PspServer) -> None:
    caller = open_caller(adapters()["stripe"], Access("sk_test_1", psp.url), psp.session)
    psp.says.append(hangs)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await caller.perform(call(payment_method="pm_1"))
    assert caller.health.answers["unknown"] == 1


class TestLate:
    """A PSP forgets idempotency keys; what it would then do twice is not simply sent again."""

    KEPT = timedelta(hours=24)

    def caller(self, *answers: PspAnswer) -> WatchedCaller:
        return WatchedCaller(Scripted(*answers), Health("adyen"), self.KEPT)

    async def test_in_time_it_is_sent(self) -> None:
        answer = await self.caller(PspAnswer(kind="done")).perform(call(), timedelta(hours=23))
        assert answer.kind == "done"

    @pytest.mark.parametrize("operation", ["authorize", "refund", "payout"])
    async def test_too_late_it_is_not(self, operation: Any) -> None:
        asked = msgspec.structs.replace(call(), operation=operation)
        assert (await self.caller().perform(asked, self.KEPT)).kind == "misconfigured"

    @pytest.mark.parametrize("operation", ["capture", "void", "session", "get"])
    async def test_what_cannot_happen_twice_is_sent_at_any_time(self, operation: Any) -> None:
        asked = msgspec.structs.replace(call(), operation=operation)
        assert (await self.caller(PspAnswer(kind="done")).perform(asked, 9 * self.KEPT)).kind == "done"

    async def test_where_keys_are_kept_for_ever_nothing_is_late(self) -> None:
        caller = WatchedCaller(Scripted(PspAnswer(kind="done")), Health("sandbox"))
        assert (await caller.perform(call(), 999 * self.KEPT)).kind == "done"

    def test_real_psps_do_forget(self) -> None:
        kept = {name: adapters()[name].keys_kept for name in ("stripe", "adyen")}
        assert kept == {"stripe": timedelta(hours=24), "adyen": timedelta(days=7)}

    async def test_stripe_looks_for_a_refund_before_it_makes_it(self, psp: PspServer) -> None:
        caller = open_caller(adapters()["stripe"], Access("sk_test_1", psp.url), psp.session)
        made = stripe_world.thing(stripe_world.P.refund_created(), metadata=stripe_world.REFUND)
        psp.says += [says(200, {"object": "list", "data": [made], "has_more": False})]
        answer = await caller.perform(stripe_world.call("refund"), self.KEPT)
        assert [fact.kind for fact in answer.facts] == ["refunded"]
        assert [request.method for request in psp.seen] == ["GET"]

    async def test_and_makes_it_where_there_is_none(self, psp: PspServer) -> None:
        caller = open_caller(adapters()["stripe"], Access("sk_test_1", psp.url), psp.session)
        made = stripe_world.thing(stripe_world.P.refund_created())
        psp.says += [says(200, {"object": "list", "data": [], "has_more": False}), says(200, made)]
        assert (await caller.perform(stripe_world.call("refund"), self.KEPT)).kind == "done"
        assert [request.method for request in psp.seen] == ["GET", "POST"]

    @pytest.mark.parametrize("more", [says(200, {"object": "list", "data": [], "has_more": True}), resets])
    async def test_but_not_where_it_cannot_see_all(self, psp: PspServer, more: Respond) -> None:
        caller = open_caller(adapters()["stripe"], Access("sk_test_1", psp.url), psp.session)
        psp.says += [more, more]  # aiohttp itself repeats a GET once
        assert (await caller.perform(stripe_world.call("payout"), self.KEPT)).kind == "unknown"
        assert {request.method for request in psp.seen} == {"GET"}


async def test_a_psp_that_only_speaks_to_us_is_not_called() -> None:
    silent = Adapter(
        name="silent", headers=(), key=str.encode, verify=lambda *_: False, parse=lambda *_: [], ignored={}
    )
    async with ClientSession() as session:
        with pytest.raises(ValueError, match="silent has no API"):
            open_caller(silent, Access("key"), session)


class TestHealth:
    def test_a_decline_is_no_failure(self) -> None:
        health = Health("stripe")
        health.add(PspAnswer(kind="unknown", reason="HTTP 500"), 0.1, NOW)
        assert (health.is_well, health.failures_in_a_row) == (False, 1)
        health.add(PspAnswer(kind="declined"), 0.1, NOW)
        assert (health.is_well, health.last_answer_at) == (True, NOW)
        assert health.last_failure is not None
        assert (health.last_failure.kind, health.last_failure.reason) == ("unknown", "HTTP 500")

    @pytest.mark.parametrize("kind", ["retry", "unknown", "misconfigured"])
    def test_the_others_are(self, kind: str) -> None:
        health = Health("stripe")
        for _ in range(3):
            health.add(PspAnswer(kind=kind), 0.1, NOW)  # type: ignore[arg-type]
        assert (health.failures_in_a_row, health.calls) == (3, 3)

    def test_a_bucket_ends_with_its_bound(self) -> None:
        health = Health("stripe")
        for seconds in (*BOUNDS_SECONDS, 99.0):
            health.add(PspAnswer(kind="done"), seconds, NOW)
        assert health.buckets == [1] * (len(BOUNDS_SECONDS) + 1)

    def test_nothing_is_known_of_a_psp_that_was_not_called(self) -> None:
        assert (Health("stripe").mean_seconds, Health("stripe").is_well) == (None, True)
