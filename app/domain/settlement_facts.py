"""The matching lane's word on one object of a payment, whether its gross is settled, and the banking lane's,

whether the bank has paid it.
"""

from app.domain.batch_records import PaymentSettled
from app.domain.commands import SettlementMatched
from app.domain.decision import Conflict, Draft, Duplicate, Ignored
from app.domain.expectations import expected, home_of
from app.domain.payment import Banked, Payment
from app.domain.payment_identity import find_payment
from app.domain.settlement_outputs import keep_banked, keep_settled


def record_settlement(draft: Draft, command: SettlementMatched) -> None:
    """Raises Duplicate where it is known, Ignored of an object that is expected no longer, Conflict."""
    payment = find_payment(draft, command.merchant_id, command.payment_id)
    name = f"{command.kind}/{command.object_id}"
    if payment is None or not _was_announced(payment, command):
        raise Conflict("unknown_object", f"there is no {name} of payment {command.payment_id}")
    standing = expected(payment).get((command.kind, command.object_id))
    if standing is None or command.home not in (None, home_of(standing)):
        raise Ignored("it is expected no longer, or elsewhere")
    if (name in payment.settled) == command.matched:
        raise Duplicate
    keep_settled(draft, payment, command.kind, command.object_id, command.matched, command.occurred_at)


def record_settled(draft: Draft, command: PaymentSettled) -> None:
    """`payment.settled`: the bank has paid the batch of one line of an object, or no longer has.

    Raises Duplicate where it is known, Conflict for a payment that is not.
    """
    payment = find_payment(draft, command.merchant_id, command.payment_id)
    if payment is None:
        raise Conflict("unknown_object", f"there is no payment {command.payment_id}")
    name = f"{command.kind}/{command.object_id}"
    key = f"{name}/{command.source}/{command.batch_id}/{command.line}"
    banked = {other: line for other, line in payment.banked.items() if other != key}
    if command.settled:
        banked[key] = _banked(command, name)
    if banked == payment.banked:
        raise Duplicate
    keep_banked(draft, payment, name, dict(sorted(banked.items())), command)


def _banked(command: PaymentSettled, name: str) -> Banked:
    return Banked(
        object=name,
        source=command.source,
        batch_id=command.batch_id,
        line=command.line,
        gross=command.gross,
        currency=command.currency,
        net=command.net,
        settle_currency=command.settle_currency,
        bank=command.bank,
        since=command.occurred_at,
    )


def _was_announced(payment: Payment, command: SettlementMatched) -> bool:
    """Under this id, even if it goes by another one by now (a dispute) or was withdrawn since."""
    object_id = command.object_id
    disputes = {one.dispute_id for one in payment.dispute_reports} | payment.disputes.keys()
    return object_id in payment.captures or object_id in payment.refunds or object_id in disputes
