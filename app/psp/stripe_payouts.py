"""Stripe's payouts and hosted pages as facts, where they are ours: those without our ids are ignored.

A payout is `paid` from its arrival date on, whether or not the bank takes the money; Stripe says so only when
it does not, up to five business days later (docs.stripe.com/payouts, "Payout failures"). So one that fails
before that date never left, one that fails later comes back. An instant payout is paid when it has arrived.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import EventIgnored, Unreadable
from app.psp.reading import EpochSeconds, decode
from app.psp.stripe_objects import OBJECT, Event, Metadata, Reference, reference, stripe_fact

NOT_DECIDED: Final = ("pending", "in_transit")
CAME_TO_NOTHING: Final = ("failed", "canceled")
NOT_OURS: Final = "it has none of our ids"


class Payout(msgspec.Struct, frozen=True):
    id: str
    amount: int
    currency: str
    status: str
    arrival_date: EpochSeconds
    method: str | None = None
    metadata: Metadata | None = None
    failure_code: str | None = None


class Session(msgspec.Struct, frozen=True):
    id: str
    amount_total: int | None = None
    currency: str | None = None
    payment_intent: Reference = None
    metadata: Metadata | None = None


def payout(event: Event) -> list[PspFact]:
    found = decode(event.data.object, Payout, OBJECT)
    ids = _our_ids(event, found.metadata, "payout_id")
    if found.status in NOT_DECIDED:
        raise EventIgnored(f"{event.type}: the payout is not decided yet")
    made = stripe_fact(
        _kind(event, found),
        amount=found.amount,
        currency=found.currency,
        metadata={"merchant_id": ids["merchant_id"], "payment_id": ids["payout_id"]},
        psp_payment_id=found.id,
        reason=found.failure_code,
        occurred_at=event.at,
    )
    return [made]


def _kind(event: Event, found: Payout) -> PspFactKind:
    if found.status == "paid":
        return "payout_paid"
    if found.status not in CAME_TO_NOTHING:
        raise Unreadable(f"status {found.status!r} of payout {found.id} is not known")
    had_left = found.status == "failed" and found.method != "instant" and event.created >= found.arrival_date
    return "payout_returned" if had_left else "payout_failed"


def session_expired(event: Event) -> list[PspFact]:
    """Nobody paid on our hosted page in time. A PaymentIntent that it had made is cancelled with it."""
    found = decode(event.data.object, Session, OBJECT)
    _our_ids(event, found.metadata, "payment_id")
    if found.amount_total is None or found.currency is None:
        raise EventIgnored(f"{event.type}: a page without an amount")
    made = stripe_fact(
        "failed",
        amount=found.amount_total,
        currency=found.currency,
        metadata=found.metadata,
        psp_payment_id=reference(found.payment_intent) or found.id,
        reason="checkout_session_expired",
        occurred_at=event.at,
    )
    return [made]


def _our_ids(event: Event, metadata: Metadata | None, name: str) -> dict[str, Any]:
    ids = {key: (metadata or {}).get(key) for key in ("merchant_id", name)}
    if not all(ids.values()):
        raise EventIgnored(f"{event.type}: {NOT_OURS}")
    return ids
