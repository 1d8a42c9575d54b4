"""What is told of an object's settlement, by the matching lane's word or because it is expected elsewhere."""

from datetime import datetime

from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.events import PaymentSettlementChanged
from app.domain.payment import Payment, payment_ref
from app.domain.streams import PAYMENTS_EVENTS


def keep_settled(
    draft: Draft, payment: Payment, kind: str, object_id: str, matched: bool, occurred_at: datetime
) -> Payment:
    """Keep whether an object's gross is settled, and say so."""
    name = f"{kind}/{object_id}"
    settled = {*payment.settled, name} if matched else set(payment.settled) - {name}
    payment = replace(payment, settled=tuple(sorted(settled)), seq=payment.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    record = PaymentSettlementChanged(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=object_id,
        kind=kind,
        matched=matched,
        settlement_status=payment.settlement_status,
        amount=payment.amount,
        currency=payment.currency,
        status=payment.status,
        flags=payment.flags,
        occurred_at=occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
    return payment
