"""A payment as the API shows it, from its row."""

from __future__ import annotations

from typing import Final

import msgspec

from app.checkout_links import CheckoutLinks
from app.domain.asked import Asked, asked_key
from app.domain.dispute import Dispute as DomainDispute
from app.domain.payment import Payment as DomainPayment
from app.domain.payment import Refund as DomainRefund
from app.store.web_lists import PaymentRow
from web.payment_schemas import Capture, Dispute, Operation, Payment, Refund, RefundDetail

_decode: Final = msgspec.json.Decoder(DomainPayment).decode
NOT_COLUMNS: Final = frozenset({"state", "version"})


def state_of(row: PaymentRow) -> DomainPayment:
    return _decode(row.state)


def payment_of(row: PaymentRow, links: CheckoutLinks | None) -> Payment:
    state = state_of(row)
    requested = state.requested
    columns = {name: getattr(row, name) for name in row.__struct_fields__ if name not in NOT_COLUMNS}
    return Payment(
        **columns,
        order_ref=state.order_ref,
        invoice_id=state.invoice_id,
        authorized_amount=state.authorized.amount if state.authorized else None,
        captures=_captures(state),
        refunds=[_refund(key, refund) for key, refund in state.refunds.items()],
        disputes=[_dispute(key, dispute) for key, dispute in state.disputes.items()],
        requested_amount=requested.amount if requested else None,
        capture_method=requested.capture_method if requested else None,
        description=requested.description if requested else None,
        return_url=requested.return_url if requested else None,
        checkout_url=_checkout_url(state, links),
        operations=[operation_of(asked) for asked in state.asked.values()],
    )


def refund_of(row: PaymentRow, refund_id: str) -> RefundDetail | None:
    """None where the payment has no such refund."""
    state = state_of(row)
    refund, asked = state.refunds.get(refund_id), state.asked.get(asked_key("refund", refund_id))
    if refund is None:
        return None
    return RefundDetail(
        **msgspec.structs.asdict(_refund(refund_id, refund)),
        merchant_id=row.merchant_id,
        payment_id=row.id,
        status=_refund_status(refund, asked),
        reason=asked.reason if asked else None,
    )


def refund_of_posting(row: PaymentRow, transaction_id: str) -> RefundDetail | None:
    """The refund that a ledger transaction posted; None where another one has replaced its figure since."""
    found = [key for key, one in state_of(row).refunds.items() if one.transaction_id == transaction_id]
    return refund_of(row, found[0]) if found else None


def _refund_status(refund: DomainRefund, asked: Asked | None) -> str:
    if refund.failed:
        return "failed"
    if refund.confirmed:
        return "succeeded"
    return asked.state if asked is not None and asked.state in ("executing", "unknown") else "pending"


def _checkout_url(state: DomainPayment, links: CheckoutLinks | None) -> str | None:
    """Only where the payer chooses a means of payment on a page."""
    if links is None or asked_key("session", state.id) not in state.asked:
        return None
    return links.page_url(state.merchant_id, state.id)


def operation_of(asked: Asked) -> Operation:
    return Operation(
        operation=asked.operation,
        object_id=asked.object_id,
        amount=asked.amount,
        state=asked.state,
        reason=asked.reason,
        url=asked.url,
        asked_at=asked.asked_at,
    )


def _captures(state: DomainPayment) -> list[Capture]:
    return [
        Capture(
            id=capture_id,
            amount=capture.amount,
            currency=capture.currency,
            platform_fee=capture.platform_fee,
            pending=capture.pending,
            psp_capture_id=capture.psp_capture_id,
            occurred_at=capture.occurred_at,
        )
        for capture_id, capture in state.captures.items()
    ]


def _refund(refund_id: str, refund: DomainRefund) -> Refund:
    return Refund(
        id=refund_id,
        amount=refund.amount,
        currency=refund.currency,
        psp_refund_id=refund.psp_refund_id,
        confirmed=refund.confirmed,
        failed=refund.failed,
        occurred_at=refund.occurred_at,
    )


def _dispute(key: str, dispute: DomainDispute) -> Dispute:
    now = dispute.standing
    return Dispute(
        id=key,
        status=now.stage,
        amount=now.amount,
        currency=now.currency,
        fee=now.fee,
        fee_returned=now.fee_returned,
        psp_dispute_id=now.psp_dispute_id,
        opened_at=now.opened_at,
        decided_at=now.decided_at,
    )
