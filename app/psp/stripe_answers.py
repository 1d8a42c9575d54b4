"""Stripe's objects as answers. Facts are read by the very functions that read its webhooks.

So an answer and the event about the same thing are one fact: the same ids, the same figures. Only the moment
may differ: an object says when it was made, not when its state changed; that is the answer's own time then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app.domain.psp_calls import PspAnswer
from app.domain.psp_facts import PspFact
from app.psp.adapter import EventIgnored
from app.psp.answers import answered_at, ended
from app.psp.reading import EpochSeconds, decode
from app.psp.stripe_objects import Data, Event, Reference, reference
from app.psp.stripe_payments import (
    Fault,
    intent_action,
    intent_authorized,
    intent_canceled,
    intent_captured,
    intent_failed,
    refund,
)
from app.psp.stripe_payouts import payout, session_expired


class Redirect(msgspec.Struct, frozen=True):
    url: str | None = None


class NextAction(msgspec.Struct, frozen=True):
    redirect_to_url: Redirect | None = None


class Thing(msgspec.Struct, frozen=True):
    """What an answer is judged by, whichever object it is."""

    id: str
    created: EpochSeconds
    status: str | None = None
    url: str | None = None
    """Of a checkout session: its page."""
    payment_intent: Reference = None
    next_action: NextAction | None = None
    last_payment_error: Fault | None = None

    @property
    def redirect(self) -> str | None:
        """Where the payer has to go for a further step."""
        found = self.next_action.redirect_to_url if self.next_action else None
        return found.url if found else None


INTENT: Final[Mapping[str | None, Callable[[Event], list[PspFact]]]] = {
    "requires_capture": intent_authorized,
    "succeeded": intent_captured,
    "canceled": intent_canceled,
    "requires_action": intent_action,
    "requires_payment_method": intent_failed,
}
"""What a PaymentIntent's status says; the others say nothing yet, and an event will come."""
CAME_TO_NOTHING: Final = ("refund_failed", "payout_failed")
MADE: Final = ("requires_capture", "requires_action", "requires_payment_method")
"""Reached by the very call that made the intent, unless told otherwise."""


def intent_facts(body: bytes, headers: Mapping[str, str]) -> tuple[PspFact, ...]:
    thing = decode(body, Thing)
    read = INTENT.get(thing.status)
    if read is None or (read is intent_failed and thing.last_payment_error is None):
        return ()
    at = thing.created if thing.status in MADE else _seconds(answered_at(headers))
    return tuple(read(_event(thing, body, at)))


def of_intent(body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    """A payment's state. One that failed is a decline, with the fact that says so."""
    thing, facts = decode(body, Thing), intent_facts(body, headers)
    if facts and facts[0].kind == "failed":
        return ended("declined", facts[0].reason, facts)
    return PspAnswer(kind="done", facts=facts, psp_object_id=thing.id, url=thing.redirect)


def of_session(body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    """A hosted page, whose payment may be known; a fact only where it was closed without one."""
    thing = decode(body, Thing)
    facts = _facts(session_expired, thing, body, headers) if thing.status == "expired" else ()
    known = reference(thing.payment_intent) or thing.id
    return PspAnswer(kind="done", facts=facts, psp_object_id=known, url=thing.url)


def of_refund(body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    return _of(refund, body, headers)


def of_payout(body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    return _of(payout, body, headers)


def _of(read: Callable[[Event], list[PspFact]], body: bytes, headers: Mapping[str, str]) -> PspAnswer:
    """An object that may not be decided yet: then there is no fact, and an event will bring it."""
    thing = decode(body, Thing)
    facts = _facts(read, thing, body, headers)
    if facts and facts[0].kind in CAME_TO_NOTHING:
        return replace(ended("declined", facts[0].reason, facts), psp_object_id=thing.id)
    return PspAnswer(kind="done", facts=facts, psp_object_id=thing.id)


def _facts(
    read: Callable[[Event], list[PspFact]], thing: Thing, body: bytes, headers: Mapping[str, str]
) -> tuple[PspFact, ...]:
    try:
        return tuple(read(_event(thing, body, _seconds(answered_at(headers)))))
    except EventIgnored:
        return ()


def _event(thing: Thing, body: bytes, at: int) -> Event:
    return Event(id=thing.id, type="answer", created=at, data=Data(object=msgspec.Raw(body)))


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def raw(found: Any) -> tuple[bytes, Mapping[str, str]]:
    """The body and headers of the SDK's answer."""
    response = found.last_response
    return response.body.encode(), response.headers
