"""The sandbox PSP's objects as answers: the facts its webhooks bring, with the same ids and figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.psp_calls import PspAnswer
from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.answers import ended
from app.psp.reading import decode, fact, minor_units, ours

NAME: Final = "sandbox"
STATES: Final[dict[str, PspFactKind]] = {
    "requires_action": "action_required",
    "failed": "failed",
    "voided": "voided",
    "expired": "expired",
}
"""Status of a charge -> the fact that it is; captures are objects of their own."""
METHOD: Final = "card"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    amount: int
    currency: str
    created_at: datetime
    metadata: dict[str, str] = {}
    status: str = ""
    reason: str | None = None
    url: str | None = None
    fee: int = 0


class Part(Thing, frozen=True, kw_only=True):
    """A capture, refund or dispute; its metadata has the charge's in it."""

    charge: str
    failed_at: datetime | None = None
    closed_at: datetime | None = None
    fee_returned: int = 0


class Charge(Thing, frozen=True, kw_only=True):
    capture: bool = True
    token: str | None = None
    settled_at: datetime | None = None
    authorized_at: datetime | None = None
    next_action_url: str | None = None
    captures: tuple[Part, ...] = ()
    refunds: tuple[Part, ...] = ()
    disputes: tuple[Part, ...] = ()


class Session(Thing, frozen=True, kw_only=True):
    charge: str


class Payout(Thing, frozen=True, kw_only=True):
    paid_at: datetime | None = None
    closed_at: datetime | None = None


def of_session(body: bytes) -> PspAnswer:
    """The page; its charge has an id already, by which everything later goes."""
    session = decode(body, Session)
    return PspAnswer(kind="done", psp_object_id=session.charge, url=session.url)


def of_charge(body: bytes) -> PspAnswer:
    """Everything that is known of a charge, whatever was asked."""
    charge = decode(body, Charge)
    facts = tuple(charge_facts(charge))
    return PspAnswer(kind="done", facts=facts, psp_object_id=charge.id, url=charge.next_action_url)


def of_declined(body: bytes | msgspec.Raw, reason: str) -> PspAnswer:
    charge = decode(body, Charge)
    answer = ended("declined", reason, tuple(charge_facts(charge)))
    return msgspec.structs.replace(answer, psp_object_id=charge.id)


def of_capture(body: bytes) -> PspAnswer:
    return _of_part(body, captured)


def of_refund(body: bytes) -> PspAnswer:
    return _of_part(body, refunded)


def of_payout(body: bytes) -> PspAnswer:
    """No fact while the bank has it; a webhook will tell."""
    payout = decode(body, Payout)
    return PspAnswer(kind="done", facts=tuple(payout_facts(payout)), psp_object_id=payout.id)


def _of_part(body: bytes, read: Any) -> PspAnswer:
    part = decode(body, Part)
    return PspAnswer(kind="done", facts=tuple(read(part)), psp_object_id=part.id)


def charge_facts(charge: Charge) -> Iterator[PspFact]:
    method = METHOD if charge.token else None
    if charge.authorized_at is not None and not charge.capture:
        yield _fact("authorized", charge, charge.id, charge.authorized_at, method=method)
    state = STATES.get(charge.status)
    if state is not None:
        reason = charge.reason if state == "failed" else None
        yield _fact(state, charge, charge.id, charge.settled_at, method=method, reason=reason)
    for read, parts in ((captured, charge.captures), (refunded, charge.refunds), (disputed, charge.disputes)):
        for part in parts:
            yield from read(part)


def captured(part: Part) -> Iterator[PspFact]:
    """A charge that captured by itself is its own capture."""
    own = part.id if part.id != part.charge else None
    yield _part("captured", part, part.created_at, "capture_id", psp_object_id=own)


def refunded(part: Part) -> Iterator[PspFact]:
    yield _part("refunded", part, part.created_at, "refund_id")
    if part.status == "failed":
        yield _part("refund_failed", part, part.failed_at, "refund_id", reason=part.reason)


def disputed(part: Part) -> Iterator[PspFact]:
    opened = {"fee": part.fee, "reason": part.reason}
    yield _part("dispute_opened", part, part.created_at, "dispute_id", **opened)
    if part.status == "won":
        yield _part("dispute_won", part, part.closed_at, "dispute_id", fee=part.fee_returned)
    elif part.status == "lost":
        yield _part("dispute_lost", part, part.closed_at, "dispute_id")


def payout_facts(payout: Payout) -> Iterator[PspFact]:
    """A payout stands where otherwise the payment does."""
    ids = {"payment_id": payout.metadata.get("payout_id"), "object_id": None}
    if payout.paid_at is not None:
        yield _fact("payout_paid", payout, payout.id, payout.paid_at, fee=payout.fee, **ids)
    if payout.status == "failed":
        yield _fact("payout_failed", payout, payout.id, payout.closed_at, reason=payout.reason, **ids)
    elif payout.status == "returned":
        yield _fact("payout_returned", payout, payout.id, payout.closed_at, reason=payout.reason, **ids)


def _part(kind: PspFactKind, part: Part, at: datetime | None, own_id: str, **more: Any) -> PspFact:
    ids = {"psp_object_id": part.id, "object_id": part.metadata.get(own_id), "method": METHOD}
    return _fact(kind, part, part.charge, at, **{**ids, **more})


def _fact(kind: PspFactKind, thing: Thing, psp_payment_id: str, at: datetime | None, **more: Any) -> PspFact:
    """Raises Unreadable where the PSP's object does not say what it has to."""
    fields = {**ours(thing.metadata, ""), **more}
    amount = minor_units(thing.amount, thing.currency, {})
    return fact(
        kind=kind,
        psp=NAME,
        psp_payment_id=psp_payment_id,
        amount=amount,
        currency=thing.currency,
        occurred_at=at,
        **fields,
    )
