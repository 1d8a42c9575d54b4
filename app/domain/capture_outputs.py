"""What follows from a capture besides its posting: its event, the PSP's expectation, the release timer."""

from app.domain.decision import Draft
from app.domain.events import PaymentCaptured, PaymentCorrected, PaymentIdentified
from app.domain.expectations import expect_capture, keep_expectations
from app.domain.funds import schedule_release
from app.domain.payment import Payment, payment_ref
from app.domain.streams import PAYMENTS_EVENTS


def announce(
    draft: Draft,
    before: Payment | None,
    payment: Payment,
    key: str,
    event: type[PaymentCaptured | PaymentCorrected],
) -> None:
    """After a capture was posted (again) to a payment that was `before`."""
    capture = payment.captures[key]
    record = event(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        capture_id=key,
        amount=capture.amount,
        currency=capture.currency,
        psp=capture.psp,
        psp_capture_id=capture.psp_capture_id,
        platform_fee=capture.platform_fee,
        psp_fee=capture.psp_fee,
        status=payment.status,
        flags=payment.flags,
        transaction_id=capture.transaction_id,
        platform_version=capture.platform_version,
        merchant_version=capture.merchant_version,
        occurred_at=capture.occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
    if before is None:
        expect_capture(draft, payment, key)
    else:
        keep_expectations(draft, before, payment)
    if capture.pending:
        schedule_release(draft, payment, key)


def announce_identified(draft: Draft, before: Payment, payment: Payment, key: str, alias: str | None) -> None:
    """After more became known about a capture; `alias`: another payment_id it was reported under."""
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    capture = payment.captures[key]
    event = PaymentIdentified(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        capture_id=key,
        psp_capture_id=capture.psp_capture_id,
        alias=alias,
        amount=capture.amount,
        currency=capture.currency,
        status=payment.status,
        flags=payment.flags,
        occurred_at=capture.occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", event)
    keep_expectations(draft, before, payment)
