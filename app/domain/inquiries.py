"""What a PSP has taken in and does not tell of is asked for: after 15 minutes, 1 hour, 6 hours, then daily.

A hosted page, a 3-D Secure step or a payout ends by a webhook, and a webhook can be lost for good. Looking
(`get`) moves nothing at the PSP; the facts it brings are decided by the rules of webhooks' facts.
"""

from datetime import timedelta
from typing import Final

from app.domain.asked import Asked
from app.domain.asking import asks_psp, send_call
from app.domain.decision import Draft, Ignored
from app.domain.merchant import platform_in
from app.domain.payment import Payment, Status, payment_ref
from app.domain.payment_requests import PaymentInquire, PayoutInquire
from app.domain.payout import Payout, payout_ref
from app.domain.psp_calls import PspCall
from app.domain.timers import set_timer, take_fired

PAYMENT_INQUIRY: Final = "inquiry"
PAYOUT_INQUIRY: Final = "payout_inquiry"
PAUSES: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
MOST_ROUNDS: Final = 14
"""Eleven days. What is silent for longer (a page nobody paid on) stays as it is; its webhook still counts."""


def payment_is_silent(payment: Payment) -> bool:
    """Whether something that the PSP took in has not been told of by any fact."""
    return any(asked.state == "done" and _is_silent(payment, asked) for asked in payment.asked.values())


def _is_silent(payment: Payment, asked: Asked) -> bool:
    match asked.operation:
        case "session" | "authorize":
            told: tuple[Status, ...] = ("authorized", "failed", "voided", "expired")
            return not payment.captures and not any(payment.has(status) for status in told)
        case "capture":
            named = {capture.psp_capture_id for capture in payment.captures.values()}
            return asked.object_id not in payment.captures and asked.psp_object_id not in named
        case "void":
            return not payment.captures and not payment.has("voided") and not payment.has("expired")
        case "refund":
            refund = payment.refunds.get(asked.object_id)
            return refund is not None and not (refund.confirmed or refund.failed)
        case _:
            return False


def payout_is_silent(payout: Payout) -> bool:
    return payout.asked is not None and payout.asked.state == "done" and not payout.facts


def inquire_later(draft: Draft, payment: Payment, done_rounds: int = 0) -> None:
    """Set the timer of the next look, where there is something to look for."""
    if payment_is_silent(payment) and done_rounds < MOST_ROUNDS:
        inquire = PaymentInquire(
            id="-", merchant_id=payment.merchant_id, payment_id=payment.id, done_rounds=done_rounds
        )
        set_timer(draft, PAYMENT_INQUIRY, payment.id, draft.now + _pause(done_rounds), inquire)


def inquire_payout_later(draft: Draft, payout: Payout, done_rounds: int = 0) -> None:
    """Likewise of a payout."""
    if payout_is_silent(payout) and done_rounds < MOST_ROUNDS:
        inquire = PayoutInquire(
            id="-", merchant_id=payout.merchant_id, payout_id=payout.id, done_rounds=done_rounds
        )
        set_timer(draft, PAYOUT_INQUIRY, payout.id, draft.now + _pause(done_rounds), inquire)


def inquire_payment(draft: Draft, command: PaymentInquire) -> None:
    """Timer: ask what has become of a payment, unless that is known by now."""
    fired = take_fired(draft, command.id)
    payment: Payment | None = draft.get(payment_ref(command.merchant_id, command.payment_id))
    if payment is None or not fired.is_of(PAYMENT_INQUIRY, command.payment_id):
        raise Ignored("the record is not the timer's own")
    if payment_is_silent(payment) and asks_psp(draft, payment.psp):
        call = PspCall(
            psp=payment.psp,
            operation="get",
            merchant_id=payment.merchant_id,
            payment_id=payment.id,
            object_id=payment.id,
            amount=_amount(payment),
            currency=payment.currency,
            psp_payment_id=payment.psp_payment_id or _page(payment),
        )
        send_call(draft, call, f"{payment.merchant_id}/{payment.id}")
        inquire_later(draft, payment, command.done_rounds + 1)


def inquire_payout(draft: Draft, command: PayoutInquire) -> None:
    """Timer: likewise of a payout."""
    fired = take_fired(draft, command.id)
    payout: Payout | None = draft.get(payout_ref(command.merchant_id, command.payout_id))
    if payout is None or not fired.is_of(PAYOUT_INQUIRY, command.payout_id):
        raise Ignored("the record is not the timer's own")
    asked = payout.asked
    psp = None if asked is None else asked.psp or platform_in(draft).payout_psp
    if asked is not None and psp is not None and payout_is_silent(payout) and asks_psp(draft, psp):
        call = PspCall(
            psp=psp,
            operation="get",
            merchant_id=payout.merchant_id,
            object_id=payout.id,
            amount=payout.amount,
            currency=payout.currency,
            psp_payment_id=payout.psp_payout_id or asked.psp_object_id,
        )
        send_call(draft, call, f"{payout.merchant_id}/{payout.id}")
        inquire_payout_later(draft, payout, command.done_rounds + 1)


def _pause(done_rounds: int) -> timedelta:
    return PAUSES[min(done_rounds, len(PAUSES) - 1)]


def _amount(payment: Payment) -> int:
    """What was asked for; a look moves nothing, but a call has an amount."""
    return next(iter(payment.asked.values())).amount


def _page(payment: Payment) -> str | None:
    """The PSP's id of what began the payment, where no fact has named it yet."""
    begun = [one for one in payment.asked.values() if one.operation in ("session", "authorize")]
    return next((one.psp_object_id for one in begun if one.psp_object_id), None)
