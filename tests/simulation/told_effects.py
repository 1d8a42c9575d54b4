"""Stories of effects: asked for, attempted more or less often, reported in any order, redriven by people.

No executor is simulated: what it would report is told, so that also what no executor would say is met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.domain.streams import EFFECTS_REQUESTS

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

AT: Final = "2026-11-20T09:00:00Z"
OUTCOMES: Final = ("retry", "retry", "retry", "done", "failed")


def tell(told: Generator, place: float) -> None:
    rng = told.rng
    merchant, effect = rng.choice(told.merchants), told.new_id("ef-")
    of_psp = told.chance(0.5)
    target = "psp:sandbox/1" if of_psp else f"webhook:{merchant}/we_1"
    work = _call(merchant, effect) if of_psp else _delivery(merchant, effect)
    asked = {
        "type": "effect.requested",
        "id": effect,
        "target": target,
        "work": work,
        "object": f"{merchant}/o",
    }
    if told.chance(0.2):
        asked["deadline_at"] = AT
    told.say(place, EFFECTS_REQUESTS, target, asked)
    for number in range(1, 1 + int(rng.random() * 6)):
        _report(told, place + 0.02 * number, target, effect, number)
    if told.chance(0.3):
        redrive = {"type": "effect.redrive", "id": told.new_id("rd-"), "by": "ops"}
        told.say(place + 0.3 * rng.random(), EFFECTS_REQUESTS, target, {**redrive, **_of(target, effect)})


def _report(told: Generator, place: float, target: str, effect: str, number: int) -> None:
    report = {
        "type": "effect.attempted",
        "id": told.new_id("at-"),
        **_of(target, effect),
        "attempt": number,
        "outcome": told.rng.choice(OUTCOMES),
        "reason": "no answer",
        "at": AT,
    }
    told.say(place, EFFECTS_REQUESTS, target, report)


def _of(target: str, effect: str) -> dict[str, str]:
    return {"target": target, "effect_id": effect}


def _call(merchant: str, effect: str) -> dict[str, Any]:
    return {
        "kind": "psp.call",
        "psp": "sandbox",
        "operation": "refund",
        "merchant_id": merchant,
        "payment_id": f"pay-of-{effect}",
        "object_id": f"re-of-{effect}",
        "amount": 100,
        "currency": "EUR",
    }


def _delivery(merchant: str, effect: str) -> dict[str, Any]:
    return {
        "kind": "webhook.delivery",
        "merchant_id": merchant,
        "endpoint_id": "we_1",
        "url": "https://shop.example/hooks",
        "event_id": f"ev-{effect}",
        "event_type": "payment.captured",
        "body": "{}",
    }
