"""Stripe's PaymentIntents, charges and refunds as facts."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import EventIgnored, Unreadable
from app.psp.reading import EpochSeconds, decode, moment
from app.psp.stripe_objects import OBJECT, Event, Metadata, Reference, payment_of, stripe_fact

LAPSED: Final = ("automatic", "expired")
"""`cancellation_reason` of an authorisation that Stripe let lapse; the others are somebody's wish."""
REFUND_NOT_DECIDED: Final = ("pending", "requires_action")
REFUND_CAME_TO_NOTHING: Final = ("failed", "canceled")


class Fault(msgspec.Struct, frozen=True):
    code: str | None = None
    decline_code: str | None = None


class Intent(msgspec.Struct, frozen=True):
    id: str
    amount: int
    currency: str
    amount_received: int = 0
    metadata: Metadata | None = None
    cancellation_reason: str | None = None
    last_payment_error: Fault | None = None


class Method(msgspec.Struct, frozen=True):
    type: str | None = None


class Refund(msgspec.Struct, frozen=True):
    id: str
    amount: int
    currency: str
    created: EpochSeconds
    status: str | None
    charge: Reference = None
    payment_intent: Reference = None
    metadata: Metadata | None = None
    failure_reason: str | None = None


class Refunds(msgspec.Struct, frozen=True):
    data: list[msgspec.Raw] = []


class Charge(msgspec.Struct, frozen=True):
    id: str
    amount: int
    currency: str
    captured: bool
    amount_captured: int | None = None
    payment_intent: Reference = None
    metadata: Metadata | None = None
    payment_method_details: Method | None = None
    failure_code: str | None = None
    refunds: Refunds | None = None


def intent_authorized(event: Event) -> list[PspFact]:
    return [_of_intent("authorized", event, decode(event.data.object, Intent, OBJECT))]


def intent_action(event: Event) -> list[PspFact]:
    return [_of_intent("action_required", event, decode(event.data.object, Intent, OBJECT))]


def intent_captured(event: Event) -> list[PspFact]:
    intent = decode(event.data.object, Intent, OBJECT)
    return [_of_intent("captured", event, intent, amount=intent.amount_received, own_id="capture_id")]


def intent_canceled(event: Event) -> list[PspFact]:
    intent = decode(event.data.object, Intent, OBJECT)
    kind: PspFactKind = "expired" if intent.cancellation_reason in LAPSED else "voided"
    return [_of_intent(kind, event, intent, reason=intent.cancellation_reason)]


def intent_failed(event: Event) -> list[PspFact]:
    intent = decode(event.data.object, Intent, OBJECT)
    fault = intent.last_payment_error or Fault()
    return [_of_intent("failed", event, intent, reason=fault.decline_code or fault.code)]


def _of_intent(kind: PspFactKind, event: Event, intent: Intent, **fields: Any) -> PspFact:
    stated: dict[str, Any] = {
        "amount": intent.amount,
        "currency": intent.currency,
        "metadata": intent.metadata,
    }
    return stripe_fact(kind, **stated | fields, psp_payment_id=intent.id, occurred_at=event.at)


def charge_succeeded(event: Event) -> list[PspFact]:
    """Succeeded means approved; only a captured charge took the money."""
    charge = decode(event.data.object, Charge, OBJECT)
    return [_captured(event, charge) if charge.captured else _of_charge("authorized", event, charge)]


def charge_captured(event: Event) -> list[PspFact]:
    return [_captured(event, decode(event.data.object, Charge, OBJECT))]


def charge_failed(event: Event) -> list[PspFact]:
    charge = decode(event.data.object, Charge, OBJECT)
    return [_of_charge("failed", event, charge, reason=charge.failure_code)]


def charge_expired(event: Event) -> list[PspFact]:
    return [_of_charge("expired", event, decode(event.data.object, Charge, OBJECT))]


def charge_refunded(event: Event) -> list[PspFact]:
    """Up to API version 2022-08-01 the charge lists its refunds; later each comes by an event of its own."""
    charge = decode(event.data.object, Charge, OBJECT)
    refunds = charge.refunds.data if charge.refunds else []
    if not refunds:
        raise EventIgnored("charge.refunded: only the sum; each refund comes as refund.created or .updated")
    found = [_refund(event, decode(raw, Refund, f"{OBJECT}.refunds.data[{n}]"), charge)
             for n, raw in enumerate(refunds)]  # fmt: skip
    return _some([each for each in found if each is not None], "its refunds are not decided yet")


def _captured(event: Event, charge: Charge) -> PspFact:
    taken = charge.amount if charge.amount_captured is None else charge.amount_captured
    return _of_charge("captured", event, charge, amount=taken, own_id="capture_id")


def _of_charge(kind: PspFactKind, event: Event, charge: Charge, **fields: Any) -> PspFact:
    details = charge.payment_method_details
    stated: dict[str, Any] = {
        "amount": charge.amount,
        "currency": charge.currency,
        "metadata": charge.metadata,
    }
    return stripe_fact(
        kind,
        **stated | fields,
        psp_payment_id=payment_of(charge.payment_intent, charge.id),
        method=details.type if details else None,
        occurred_at=event.at,
    )


def refund(event: Event) -> list[PspFact]:
    found = _refund(event, decode(event.data.object, Refund, OBJECT))
    return _some([] if found is None else [found], "the refund is not decided yet")


def _refund(event: Event, refund: Refund, charge: Charge | None = None) -> PspFact | None:
    """None while it is not decided. A refund happens when it is made and fails when we are told."""
    if refund.status in REFUND_NOT_DECIDED:
        return None
    failed = refund.status in REFUND_CAME_TO_NOTHING
    if not failed and refund.status != "succeeded":
        raise Unreadable(f"status {refund.status!r} of refund {refund.id} is not known")
    intent, of_charge = (charge.payment_intent, charge.id) if charge else (None, None)
    return stripe_fact(
        "refund_failed" if failed else "refunded",
        amount=refund.amount,
        currency=refund.currency,
        metadata=refund.metadata,
        own_id="refund_id",
        psp_payment_id=payment_of(refund.payment_intent or intent, refund.charge or of_charge),
        psp_object_id=refund.id,
        reason=refund.failure_reason,
        occurred_at=event.at if failed else moment(refund.created),
    )


def _some(facts: list[PspFact], otherwise: str) -> list[PspFact]:
    if not facts:
        raise EventIgnored(otherwise)
    return facts
