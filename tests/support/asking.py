"""Requests for money of `m-1` at the sandbox, and what comes of them, for the rules over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from app.domain.psp_calls import PspCall
from app.domain.psp_facts import PspFact, to_command
from app.domain.streams import EFFECTS_REQUESTS
from tests.support.domain import START, Books, record, run
from tests.support.facts import MERCHANT, at_hour

Later = Callable[[Books], Any]
"""A record that can only be made once the books have asked for it."""


def asking_books(**platform: Any) -> Books:
    """Books of a merchant whose PSP we ask ourselves."""
    psps = {"sandbox": {"api": True, "fee_plan": {"bps": 120}}}
    plan = {"bps": 290, "fixed": {"EUR": 3}}
    configure = {"psps": psps, "default_psp": "sandbox", "release_delay_seconds": 3600, **platform}
    merchant = {"merchant_id": MERCHANT, "settlement_currency": "EUR", "fee_plan": plan}
    return run(
        Books(),
        [
            record(type="platform.configure", id="p0", **configure),
            record(type="merchant.configure", id="c0", **merchant),
        ],
    )


def request(kind: str, payment_id: str = "pay-1", **fields: Any) -> Any:
    money = {"currency": "EUR"} if "amount" in fields else {}
    return record(type=kind, merchant_id=MERCHANT, payment_id=payment_id, **money, **fields)


def create(payment_id: str = "pay-1", amount: int = 1_000, **fields: Any) -> Any:
    more = {"id": f"create-{payment_id}", "payment_method": "tok_1", **fields}
    return request("payment.create", payment_id, amount=amount, **more)


def psp_fact(kind: str, payment_id: str = "pay-1", hour: int = 0, **fields: Any) -> dict[str, Any]:
    """A `PspFact` as an adapter makes it, of answers and of webhooks alike."""
    return {
        "kind": kind,
        "psp": "sandbox",
        "psp_payment_id": f"psp-{payment_id}",
        "currency": "EUR",
        "occurred_at": at_hour(hour),
        **fields,
    }


def webhook(fact: dict[str, Any], payment_id: str = "pay-1") -> Any:
    """The fact as its webhook brings it."""
    name = f"webhook-{fact['kind']}-{payment_id}-{fact.get('object_id', '')}"
    return to_command(msgspec.convert(fact, PspFact), name, MERCHANT, payment_id)


def effects(books: Books) -> list[Any]:
    """All that the books asked for, in order."""
    return [send.record for send in books.sends if send.topic == EFFECTS_REQUESTS]


def answer(operation: str, object_id: str, *, outcome: str = "done", facts: list[Any] | None = None) -> Later:
    """The executor's record on the last such call."""

    def made(books: Books) -> Any:
        calls = [effect for effect in effects(books) if isinstance(effect.work, PspCall)]
        named = [
            call for call in calls if (call.work.operation, call.work.object_id) == (operation, object_id)
        ]
        call = named[-1]
        return record(
            type="psp.answered",
            id=f"{call.id}/{outcome}",
            merchant_id=call.work.merchant_id,
            effect_id=call.id,
            psp=call.work.psp,
            operation=operation,
            payment_id=call.work.payment_id,
            object_id=object_id,
            outcome=outcome,
            facts=facts or [],
            answered_at=START.isoformat(),
        )

    return made
