"""`payment.capture` and `payment.void`: what may be taken of an authorisation, or given up.

Captured and on its way never exceed what is authorised: what the PSP has not declined may still come.
"""

from collections import Counter

from app.domain.asked import Asked, asked_key
from app.domain.asking import ask, keep_and_tell, require_psp
from app.domain.decision import Draft, Refused
from app.domain.dedup import own_claim
from app.domain.events import OperationRequested
from app.domain.payment import Payment
from app.domain.payment_identity import find_payment
from app.domain.payment_requests import PaymentCapture, PaymentVoid


def request_capture(draft: Draft, command: PaymentCapture) -> None:
    """Refuses with payment_not_found, capture_id_reused, currency_mismatch, psp_not_configured,

    mode_mismatch, not_capturable or capture_exceeds_authorized.
    """
    payment = required_payment(draft, command.merchant_id, command.payment_id)
    claim = own_claim(command.merchant_id, "capture", command.capture_id)
    if draft.get(claim) is not None or command.capture_id in payment.captures:
        raise Refused("capture_id_reused", f"{command.capture_id} is another capture already")
    require_psp(draft, payment.psp, command.merchant_id)
    _require_capturable(payment)
    if command.currency != payment.currency:
        raise Refused("currency_mismatch", f"{payment.id} is in {payment.currency}")
    left = capturable(payment)
    if command.amount > left:
        raise Refused("capture_exceeds_authorized", f"{left} {payment.currency} of {payment.id} are left")
    draft.put(claim, payment.id)
    payment = ask(draft, payment, "capture", command.capture_id, command.amount)
    asked = payment.asked[asked_key("capture", command.capture_id)]
    keep_and_tell(draft, payment, asked, OperationRequested)


def request_void(draft: Draft, command: PaymentVoid) -> None:
    """Refuses with payment_not_found, psp_not_configured, mode_mismatch or not_voidable."""
    payment = required_payment(draft, command.merchant_id, command.payment_id)
    require_psp(draft, payment.psp, command.merchant_id)
    reason = _not_voidable(payment)
    if reason is not None:
        raise Refused("not_voidable", f"{payment.id} {reason}")
    ask_void(draft, payment, capturable(payment))


def ask_void(draft: Draft, payment: Payment, amount: int) -> Payment:
    payment = ask(draft, payment, "void", payment.id, amount)
    asked = payment.asked[asked_key("void", payment.id)]
    return keep_and_tell(draft, payment, asked, OperationRequested)


def required_payment(draft: Draft, merchant_id: str, payment_id: str) -> Payment:
    payment = find_payment(draft, merchant_id, payment_id)
    if payment is None:
        raise Refused("payment_not_found", f"there is no payment {payment_id}")
    return payment


def capturable(payment: Payment) -> int:
    """What is authorised and neither captured nor on its way, minor units; may be negative by facts."""
    if payment.authorized is None:
        return 0
    return payment.authorized.amount - payment.captured_amount - in_flight(payment)


def in_flight(payment: Payment) -> int:
    """What captures may still take that were asked for, minor units."""
    known = payment.captures
    asked = [one for one in payment.asked.values() if one.operation == "capture" and one.may_happen]
    waiting = [one for one in asked if one.object_id not in known]
    ours = {one.object_id for one in asked}
    told = Counter(capture.psp_capture_id for key, capture in known.items() if key not in ours)
    return sum(one.amount for one in waiting if not _was_told(one, told))


def _was_told(asked: Asked, told: Counter[str | None]) -> bool:
    """Whether the PSP told of it without our id, by its own; one such capture stands for one request."""
    if asked.psp_object_id is None or not told[asked.psp_object_id]:
        return False
    told[asked.psp_object_id] -= 1
    return True


def is_being_voided(payment: Payment) -> bool:
    void = payment.asked.get(asked_key("void", payment.id))
    return void is not None and void.may_happen


def _require_capturable(payment: Payment) -> None:
    reason = _not_authorized(payment)
    if reason is not None:
        raise Refused("not_capturable", f"{payment.id} {reason}")


def _not_voidable(payment: Payment) -> str | None:
    if payment.captures:
        return "is captured"
    if in_flight(payment):
        return "is being captured"
    return _not_authorized(payment)


def _not_authorized(payment: Payment) -> str | None:
    """Why its authorisation cannot be used; None where it can."""
    if payment.has("voided") or is_being_voided(payment):
        return "is voided, or being voided"
    if payment.has("expired") or payment.lapsed:
        return "has expired"
    if payment.authorized is None or payment.psp_payment_id is None:
        return "is not authorised"
    if payment.requested is not None and payment.requested.capture_method == "automatic":
        return "is captured by the PSP itself"
    return None
