"""Authorisations lapse by a timer; what is left of one is voided at the PSP.

Only those that we asked for and that wait for a capture of ours: any other is its PSP's to end.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.asking import asks_psp
from app.domain.capture_requests import ask_void, capturable, in_flight, is_being_voided
from app.domain.commands import PaymentExpired
from app.domain.configuration import PspConfiguration
from app.domain.decision import Draft, Ignored
from app.domain.merchant import platform_in
from app.domain.payment import Payment, payment_ref
from app.domain.payment_facts import EXPIRY_TIMER, record_payment_fact
from app.domain.payment_requests import AuthorizationExpire
from app.domain.timers import set_timer, take_fired

CAPTURE_PATIENCE: Final = timedelta(hours=1)
"""How long an expiry waits for captures on their way, again and again until they are known."""
MOST_PATIENCE: Final = timedelta(days=7)
"""How long in all: a PSP that took a capture in and then refused it need not have said so."""


def expire_authorization(draft: Draft, command: AuthorizationExpire) -> None:
    fired = take_fired(draft, command.id)
    payment: Payment | None = draft.get(payment_ref(command.merchant_id, command.payment_id))
    if payment is None or not fired.is_of(EXPIRY_TIMER, command.payment_id):
        raise Ignored("the record is not the timer's own")
    if payment.has("voided") or payment.has("expired") or payment.authorized is None:
        return
    if in_flight(payment) and draft.now < _latest(draft, payment):
        set_timer(draft, EXPIRY_TIMER, payment.id, draft.now + CAPTURE_PATIENCE, command)
        return
    _expire(draft, payment, command)


def _latest(draft: Draft, payment: Payment) -> datetime:
    """Until when captures on their way are waited for."""
    authorized, psp = payment.authorized, platform_in(draft).psps.get(payment.psp, PspConfiguration())
    assert authorized is not None
    return authorized.occurred_at + timedelta(seconds=psp.authorization_seconds) + MOST_PATIENCE


def _expire(draft: Draft, payment: Payment, command: AuthorizationExpire) -> None:
    """Where nothing was captured the payment has expired; else only its rest."""
    left = capturable(payment) + in_flight(payment)
    if payment.captures:
        payment = replace(payment, lapsed=True)
        draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    else:
        record_payment_fact(draft, _expired(draft, payment, command))
        payment = draft.get(payment_ref(payment.merchant_id, payment.id))
    if left > 0 and payment.psp_payment_id and asks_psp(draft, payment.psp) and not is_being_voided(payment):
        ask_void(draft, payment, left)


def _expired(draft: Draft, payment: Payment, command: AuthorizationExpire) -> PaymentExpired:
    authorized = payment.authorized
    assert authorized is not None
    return PaymentExpired(
        id=command.id,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        amount=authorized.amount,
        currency=authorized.currency,
        psp=payment.psp,
        order_ref=payment.order_ref,
        reason="authorization_expired",
        occurred_at=draft.now,
    )
