"""A payment's header (currency, PSP, references): the same from the same facts, whatever came first.

Currency and PSP are the principal capture's, before any capture the strongest fact's. A reference is that of
the strongest record which has one: a capture's before other facts', a PSP's before ours, then the earliest.
"""

from datetime import datetime

from msgspec.structs import replace

from app.domain.commands import PaymentFact, PaymentRecord
from app.domain.payment import BEFORE_CAPTURE, Capture, Payment, Reference, Status, StatusFact
from app.domain.payment_requests import PaymentCreate

_AFTER_CAPTURES = 4
"""Strengths of captures are 0 to 3, so every other fact's are from here on."""
_OF_REQUEST = 100


def rank_of(payment_id: str, capture_id: str, occurred_at: datetime) -> tuple[bool, datetime, str]:
    """The smallest is a payment's principal capture: the one named like it, else the earliest."""
    return (capture_id != payment_id, occurred_at, capture_id)


def with_capture(payment: Payment, key: str, capture: Capture, command: PaymentRecord) -> Payment:
    """Add or replace a capture that `command` is the PSP's, or so far the only, record of."""
    known = _references(payment)
    captures = dict(sorted({**payment.captures, key: capture}.items()))
    principal = min(captures, key=lambda k: rank_of(payment.id, k, captures[k].occurred_at))
    payment = replace(
        payment,
        captures=captures,
        principal=principal,
        currency=captures[principal].currency,
        psp=captures[principal].psp,
    )
    return _named(payment, known, _of_capture(payment.id, command))


def with_fact(payment: Payment, key: str, fact: StatusFact) -> Payment:
    """Add or replace a fact short of a capture."""
    payment = replace(payment, facts=dict(sorted({**payment.facts, key: fact}.items())))
    strongest = payment.strongest
    if payment.captures or strongest is None:
        return payment
    return replace(payment, currency=strongest.currency, psp=strongest.psp)


def with_references(payment: Payment, command: PaymentRecord) -> Payment:
    """With the names that a further record of a capture uses; the same object where none is new."""
    return _named(payment, _references(payment), _of_capture(payment.id, command))


def with_names(payment: Payment, status: Status, command: PaymentFact) -> Payment:
    """As `with_references`, of a fact short of a capture."""
    strength = _AFTER_CAPTURES + 2 * BEFORE_CAPTURE.index(status) + (command.psp_payment_id is None)
    names = (command.psp_payment_id, command.order_ref, command.invoice_id)
    return _named(payment, _references(payment), Reference(strength, command.occurred_at, status, *names))


def with_requested_names(payment: Payment, command: PaymentCreate, at: datetime) -> Payment:
    """With the names of the request that began it: what any fact calls it weighs more."""
    return _named(payment, (), Reference(_OF_REQUEST, at, "", None, command.order_ref, command.invoice_id))


def _of_capture(payment_id: str, command: PaymentRecord) -> Reference:
    strength = 2 * (command.capture_id != payment_id) + (command.psp_capture_id is None)
    names = (command.psp_payment_id, command.order_ref, command.invoice_id)
    return Reference(strength, command.occurred_at, command.capture_id, *names)


def _references(payment: Payment) -> tuple[Reference, ...]:
    if payment.references or not payment.captures:
        return payment.references
    return (_implied(payment),)


def _implied(payment: Payment) -> Reference:
    """What a payment that is nothing but its principal capture is called by: not stored."""
    capture = payment.captures[payment.principal]
    strength = 2 * (payment.principal != payment.id) + (capture.psp_capture_id is None)
    names = (payment.psp_payment_id, payment.order_ref, payment.invoice_id)
    return Reference(strength, capture.occurred_at, payment.principal, *names)


def _named(payment: Payment, known: tuple[Reference, ...], new: Reference) -> Payment:
    best = {one.names: one for one in known}
    kept = best.get(new.names)
    if any(new.names) and (kept is None or new < kept):
        best[new.names] = new
    ranked = tuple(sorted(best.values(), key=lambda one: (one[:3], [name or "" for name in one.names])))
    first = [next((one[column] for one in ranked if one[column]), None) for column in (3, 4, 5)]
    named = replace(payment, psp_payment_id=first[0], order_ref=first[1], invoice_id=first[2])
    stored = () if payment.captures and ranked == (_implied(named),) else ranked
    named = replace(named, references=stored)
    return payment if named == payment else named
