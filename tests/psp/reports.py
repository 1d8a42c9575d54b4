"""What an adapter makes of a body, as short texts that tests can show."""

from __future__ import annotations

from typing import Any

from app.domain.psp_facts import PspFact
from app.psp.adapter import EventIgnored
from app.psp.registry import adapters
from tests.support.webhooks import Delivery


def report(psp: str, body: bytes) -> list[str]:
    """One line per fact, `kind amount currency payment [object]`, or `ignored`. Unreadable is raised."""
    try:
        found = adapters()[psp].parse({"webhook-id": "msg_1"}, body)
    except EventIgnored:
        return ["ignored"]
    return [
        " ".join(filter(None, (f.kind, str(f.amount), f.currency, f.psp_payment_id, f.psp_object_id)))
        for _, f in found
    ]


def facts_of(delivery: Delivery) -> list[PspFact]:
    """The facts alone, without event ids."""
    return [fact for _, fact in adapters()[delivery.psp].parse(delivery.headers, delivery.body)]


def same(fact: PspFact) -> tuple[Any, ...]:
    """What makes two facts one, and their figures."""
    ids = (fact.psp, fact.psp_payment_id, fact.psp_object_id, fact.object_id)
    ours = (fact.merchant_id, fact.payment_id, fact.order_ref)
    return (fact.kind, *ids, *ours, fact.amount, fact.currency, fact.fee)
