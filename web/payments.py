"""`GET /v1/payments/{id}`: ids are unique per merchant, so staff may have to say which one they mean."""

from __future__ import annotations

from typing import Final

import msgspec

from app.domain.dispute import Dispute as DomainDispute
from app.domain.payment import Payment as DomainPayment
from app.store.web_reads import PaymentRow, find_payments
from web.call import Call
from web.params import PositionText, Text
from web.problems import Problem
from web.schemas import Capture, Dispute, Payment, Refund

MOST_NAMED: Final = 20
"""An `ambiguous` answer names so many merchants at most."""


class PaymentQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`merchant_id`: for staff, where several merchants have a payment with this id."""

    merchant_id: Text | None = None
    min_position: PositionText | None = None


async def get_payment(call: Call[PaymentQuery]) -> Payment:
    payment_id, merchant_id = call.path["id"], call.query.merchant_id
    await call.deps.positions.wait_for(call.query.min_position)
    if not call.principal.is_staff:
        if merchant_id not in (None, call.principal.merchant_id):
            raise unknown(payment_id)
        merchant_id = call.principal.merchant_id
    found = await find_payments(call.deps.pool, payment_id, merchant_id, MOST_NAMED)
    if not found:
        raise unknown(payment_id)
    if len(found) > 1:
        merchants = [row.merchant_id for row in found]
        raise Problem("ambiguous", "say which with ?merchant_id=", merchant_ids=merchants)
    return payment_of(found[0])


def unknown(payment_id: str) -> Problem:
    """The same for a payment that is not there and for one of another merchant."""
    return Problem("not_found", f"no payment {payment_id!r}")


def payment_of(row: PaymentRow) -> Payment:
    state = msgspec.convert(row.state, DomainPayment)
    columns = {name: getattr(row, name) for name in PaymentRow.__struct_fields__ if name != "state"}
    return Payment(
        **columns,
        order_ref=state.order_ref,
        invoice_id=state.invoice_id,
        authorized_amount=state.authorized.amount if state.authorized else None,
        captures=[
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
        ],
        refunds=[
            Refund(
                id=refund_id,
                amount=refund.amount,
                currency=refund.currency,
                psp_refund_id=refund.psp_refund_id,
                confirmed=refund.confirmed,
                failed=refund.failed,
                occurred_at=refund.occurred_at,
            )
            for refund_id, refund in state.refunds.items()
        ],
        disputes=[dispute_of(key, dispute) for key, dispute in state.disputes.items()],
    )


def dispute_of(key: str, dispute: DomainDispute) -> Dispute:
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
