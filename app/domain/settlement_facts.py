"""`settlement.matched`: the matching lane's word on one object of a payment, whether its gross is settled."""

from msgspec.structs import replace

from app.domain.commands import SettlementMatched
from app.domain.decision import Conflict, Draft, Duplicate, Ignored
from app.domain.events import PaymentSettlementChanged
from app.domain.expectations import expected
from app.domain.payment import Payment, payment_ref
from app.domain.payment_identity import find_payment
from app.domain.streams import PAYMENTS_EVENTS


def record_settlement(draft: Draft, command: SettlementMatched) -> None:
    """Raises Duplicate where it is known, Ignored of an object that is expected no longer, Conflict."""
    payment = find_payment(draft, command.merchant_id, command.payment_id)
    name = f"{command.kind}/{command.object_id}"
    if payment is None or not _was_announced(payment, command):
        raise Conflict("unknown_object", f"there is no {name} of payment {command.payment_id}")
    if (name in payment.settled) == command.matched:
        raise Duplicate
    if command.matched and (command.kind, command.object_id) not in expected(payment):
        raise Ignored("it is expected no longer, or under another id")
    settled = {*payment.settled, name} if command.matched else set(payment.settled) - {name}
    payment = replace(payment, settled=tuple(sorted(settled)), seq=payment.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    _announce(draft, payment, command)


def _was_announced(payment: Payment, command: SettlementMatched) -> bool:
    """Under this id, even if it goes by another one by now (a dispute) or was withdrawn since."""
    object_id = command.object_id
    disputes = {one.dispute_id for one in payment.dispute_reports} | payment.disputes.keys()
    return object_id in payment.captures or object_id in payment.refunds or object_id in disputes


def _announce(draft: Draft, payment: Payment, command: SettlementMatched) -> None:
    record = PaymentSettlementChanged(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=command.object_id,
        kind=command.kind,
        matched=command.matched,
        settlement_status=payment.settlement_status,
        amount=payment.amount,
        currency=payment.currency,
        status=payment.status,
        flags=payment.flags,
        occurred_at=command.occurred_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)
