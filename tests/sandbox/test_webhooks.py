"""Webhooks of the sandbox PSP to a real receiver: retried until taken, late, twice, overtaken, never."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.sandbox.faults import Chance, checked, deliveries
from tests.support.sandbox import OURS, Psp, sandbox
from tests.support.waiting import eventually
from tests.support.webhook_inbox import inbox

MANY = 300


async def nothing_left(psp: Psp) -> None:
    async def is_quiet() -> Any:
        status = (await psp.get("/_control/status"))[1]
        return status["undelivered"] == status["waiting"] == 0

    await eventually(is_quiet, 10, "all webhooks to be delivered")


async def test_each_is_sent_again_until_it_is_taken() -> None:
    async with inbox() as box, sandbox(webhook_url=box.url) as psp:
        box.answers = iter([503, 401, 302])
        await psp.charge()
        await box.has("captured")
        assert len(box.refused) == 3
        assert set(box.refused) == set(box.ids)
        await nothing_left(psp)
        assert len(box.ids) == 1


async def test_a_hosted_payment_is_told_step_by_step() -> None:
    async with inbox() as box, sandbox(webhook_url=box.url) as psp:
        body = {"amount": 500, "currency": "JPY", "metadata": OURS, "capture": False}
        session = (await psp.post("/v1/sessions", body))[1]
        for token in ("tok_declined", "tok_3ds_ok"):
            await psp.form(f"/pay/{session['id']}", token=token)
        await psp.form(f"/pay/{session['charge']}/challenge", answer="approve")
        await nothing_left(psp)
        assert len(box.ids) == 4  # payment.created brings no fact
        assert set(box.kinds) == {"failed", "action_required", "authorized"}
        assert {fact.psp_payment_id for fact in box.facts.values()} == {session["charge"]}
        assert {(fact.payment_id, fact.currency) for fact in box.facts.values()} == {("pay-1", "JPY")}


async def test_twice_is_the_same_webhook() -> None:
    async with inbox() as box, sandbox({"webhooks_twice": 1.0}, webhook_url=box.url) as psp:
        await psp.charge()
        await box.took(2)
        assert len(set(box.ids)) == 1


async def test_never_is_until_somebody_asks() -> None:
    async with inbox() as box, sandbox({"webhooks_never": 1.0}, webhook_url=box.url) as psp:
        await psp.charge()
        assert (await psp.get("/_control/status"))[1]["undelivered"] == 1
        await psp.post("/_control/faults", {"webhooks_never": 0.0})
        await psp.charge()
        await box.has("captured")
        assert len(box.ids) == 1
        assert (await psp.post("/_control/resend"))[1] == {"sent": 1}
        await box.has("captured", 2)


async def test_a_sweep_finds_what_was_never_sent() -> None:
    faults = {"webhooks_never": 1.0, "resend_every_seconds": 0.05}
    async with inbox() as box, sandbox(faults, webhook_url=box.url) as psp:
        await psp.charge()
        await box.has("captured")


async def test_later_ones_overtake_those_held_back() -> None:
    faults = {"webhooks_reordered": 0.5, "reorder_seconds": 0.3}
    async with inbox() as box, sandbox(faults, webhook_url=box.url) as psp:
        for _ in range(20):
            await psp.charge()
        await box.took(20)
        in_order = sorted(box.facts, key=lambda notice_id: box.facts[notice_id].occurred_at)
        assert box.ids != in_order
        assert set(box.ids) == set(in_order)


async def test_many_are_delivered_at_once_and_none_twice() -> None:
    async with inbox() as box, sandbox(webhook_url=box.url) as psp:
        await asyncio.gather(*[psp.charge() for _ in range(MANY)])
        await box.took(MANY)
        await nothing_left(psp)
        assert len(box.ids) == len(set(box.ids)) == MANY


async def test_one_that_nobody_takes_delays_no_other() -> None:
    async with inbox() as box, sandbox(webhook_url=box.url) as psp:
        box.answers = iter([503])
        await psp.charge()
        await eventually(lambda: box.refused, 5, "the first to be refused")
        await psp.charge()
        await box.took(2)
        assert box.ids[1] == box.refused[0]


def plan(seed: int, **rates: float) -> list[list[float]]:
    faults, chance = checked(rates), Chance(seed)
    return [deliveries(faults, chance, f"evt_{number}") for number in range(1_000)]


def test_a_seed_is_a_plan() -> None:
    rates = {"webhooks_late": 0.1, "webhooks_twice": 0.1, "webhooks_never": 0.1}
    assert plan(1, **rates) == plan(1, **rates) != plan(2, **rates)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("webhooks_late", lambda delays: len(delays) == 1 and 0 < delays[0] <= 10),
        ("webhooks_reordered", lambda delays: len(delays) == 1 and 0 < delays[0] <= 1),
        ("webhooks_twice", lambda delays: len(delays) == 2 and delays[0] == 0),
        ("webhooks_never", lambda delays: delays == []),
    ],
)
def test_a_rate_is_how_many(name: str, shape: Any) -> None:
    planned = plan(7, **{name: 0.2})
    struck = [delays for delays in planned if shape(delays)]
    assert 150 < len(struck) < 250
    assert all(delays == [0.0] for delays in planned if not shape(delays))
