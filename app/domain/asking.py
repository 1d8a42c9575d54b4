"""Asking a PSP: an operation is kept with its payment and sent as an effect, in one decision."""

from typing import Any, Final

from msgspec.structs import replace

from app.domain.asked import Asked, AskedState, asked_key
from app.domain.configuration import PspConfiguration
from app.domain.decision import Draft, Refused
from app.domain.effects import EffectRequested, psp_target
from app.domain.events import (
    OperationAccepted,
    OperationDeclined,
    OperationEvent,
    OperationStuck,
    OperationUnknown,
)
from app.domain.merchant import platform_in
from app.domain.payment import Payment, payment_ref
from app.domain.psp_calls import Operation, PspCall
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_EVENTS

TEST_MERCHANT: Final = ".test"
"""Ends the id of the merchant that a test key acts for; its books are apart."""

EVENTS: Final[dict[AskedState, type[OperationEvent]]] = {
    "done": OperationAccepted,
    "declined": OperationDeclined,
    "unknown": OperationUnknown,
    "gave_up": OperationStuck,
    "misconfigured": OperationStuck,
}


def require_psp(draft: Draft, psp: str | None, merchant_id: str) -> PspConfiguration:
    """The PSP as configured. Refuses with psp_not_configured or mode_mismatch."""
    configured = platform_in(draft).psps.get(psp or "")
    if configured is None or not configured.api:
        raise Refused("psp_not_configured", f"{psp or 'no PSP'} cannot be asked for money")
    if configured.live == merchant_id.endswith(TEST_MERCHANT):
        mode = "live" if configured.live else "test"
        raise Refused("mode_mismatch", f"{psp} is a {mode} PSP, {merchant_id} is not a {mode} merchant")
    return configured


def asks_psp(draft: Draft, psp: str) -> bool:
    """Whether we ask this PSP ourselves; otherwise upstream does."""
    configured = platform_in(draft).psps.get(psp)
    return configured is not None and configured.api


def ask(
    draft: Draft, payment: Payment, operation: Operation, object_id: str, amount: int, **more: Any
) -> Payment:
    """The payment with an operation that is being executed; `more`: further fields of the call."""
    call = PspCall(
        psp=payment.psp,
        operation=operation,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=object_id,
        amount=amount,
        currency=payment.currency,
        psp_payment_id=payment.psp_payment_id,
        order_ref=payment.order_ref,
        invoice_id=payment.invoice_id,
        **more,
    )
    asked = send_call(draft, call, f"{payment.merchant_id}/{payment.id}")
    return with_asked(payment, asked)


def send_call(draft: Draft, call: PspCall, subject: str) -> Asked:
    """Calls about one subject are made one after the other, in the order of their requests."""
    target = psp_target(call.psp, subject)
    effect = EffectRequested(id=draft.next_id(), target=target, work=call, object=subject)
    draft.send(EFFECTS_REQUESTS, target, effect)
    return Asked(
        operation=call.operation,
        object_id=call.object_id,
        effect_id=effect.id,
        amount=call.amount,
        asked_at=draft.now,
        psp=call.psp,
    )


def with_asked(payment: Payment, asked: Asked) -> Payment:
    key = asked_key(asked.operation, asked.object_id)
    return replace(payment, asked={**payment.asked, key: asked})


def keep_and_tell(draft: Draft, payment: Payment, asked: Asked, event: type[OperationEvent]) -> Payment:
    """Keep the payment, and send the event of one of its operations as it stands now."""
    payment = replace(payment, seq=payment.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    record = event(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        amount=asked.amount,
        currency=payment.currency,
        status=payment.status,
        flags=payment.flags,
        operation=asked.operation,
        object_id=asked.object_id,
        psp=payment.psp,
        effect_id=asked.effect_id,
        reason=asked.reason,
        url=asked.url,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
    return payment
