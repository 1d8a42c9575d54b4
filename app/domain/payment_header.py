"""A payment's header (currency, PSP, references): its principal capture's, whatever came first."""

from datetime import datetime

from msgspec.structs import replace

from app.domain.commands import PaymentRecord
from app.domain.payment import Capture, Payment


def rank_of(payment_id: str, capture_id: str, occurred_at: datetime) -> tuple[bool, datetime, str]:
    """The smallest is a payment's principal capture: the one named like it, else the earliest."""
    return (capture_id != payment_id, occurred_at, capture_id)


def with_capture(payment: Payment, key: str, capture: Capture, command: PaymentRecord) -> Payment:
    """Add or replace a capture that `command` is the PSP's, or so far the only, record of."""
    captures = dict(sorted({**payment.captures, key: capture}.items()))
    principal = min(captures, key=lambda k: rank_of(payment.id, k, captures[k].occurred_at))
    payment = replace(
        payment,
        captures=captures,
        principal=principal,
        currency=captures[principal].currency,
        psp=captures[principal].psp,
    )
    return with_references(payment, command, wins=principal == key)


def with_references(payment: Payment, command: PaymentRecord, wins: bool) -> Payment:
    """Fill in references; those of a record that `wins` go before the ones that are there."""
    new = (command.psp_payment_id, command.order_ref, command.invoice_id)
    old = (payment.psp_payment_id, payment.order_ref, payment.invoice_id)
    pairs = zip(new, old, strict=True) if wins else zip(old, new, strict=True)
    first = tuple([one or other for one, other in pairs])
    if first == old:
        return payment
    return replace(payment, psp_payment_id=first[0], order_ref=first[1], invoice_id=first[2])
