"""Events of a payment's disputes: one for each that a record changed."""

from msgspec.structs import replace

from app.domain.commands import DisputeFact, DisputeOpened
from app.domain.decision import Draft
from app.domain.dispute import Dispute, DisputeStage
from app.domain.events import DisputeEvent, DisputeUpdated, DisputeWasLost, DisputeWasOpened, DisputeWasWon
from app.domain.payment import Payment
from app.domain.streams import PAYMENTS_EVENTS

_EVENTS: dict[DisputeStage, type[DisputeEvent]] = {
    "open": DisputeWasOpened,
    "won": DisputeWasWon,
    "lost": DisputeWasLost,
}


def announce(draft: Draft, before: Payment, payment: Payment, command: DisputeFact) -> Payment:
    """The payment, with a number for each event that was sent."""
    for key, dispute in payment.disputes.items():
        old = before.disputes.get(key)
        if dispute != old:
            payment = replace(payment, seq=payment.seq + 1)
            _send(draft, before, payment, key, command)
    return payment


def _send(draft: Draft, before: Payment, payment: Payment, key: str, command: DisputeFact) -> None:
    dispute = payment.disputes[key]
    now = dispute.standing
    replaced = _replaced(before, payment, dispute)
    known = [before.disputes[old] for old in (key, *replaced) if old in before.disputes]
    stages = {old.stage for old in known}
    event = DisputeUpdated if dispute.stage in stages else _EVENTS[dispute.stage]
    record = event(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        dispute_id=key,
        psp_dispute_id=now.psp_dispute_id,
        amount=now.amount,
        currency=now.currency,
        fee=now.fee,
        fee_returned=now.fee_returned,
        disputed_amount=payment.disputed_amount,
        dispute_status=payment.dispute_status,
        replaces=replaced,
        reason=command.reason if isinstance(command, DisputeOpened) else None,
        status=payment.status,
        flags=payment.flags,
        transaction_id=_posted(known, dispute),
        occurred_at=now.decided_at or now.opened_at,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", record)


def _replaced(before: Payment, payment: Payment, dispute: Dispute) -> tuple[str, ...]:
    """Keys that are no longer in use and whose reports this dispute has."""
    gone = [key for key in before.disputes if key not in payment.disputes]
    return tuple([key for key in gone if set(before.disputes[key].reports) & set(dispute.reports)])


def _posted(known: list[Dispute], dispute: Dispute) -> str | None:
    """The last transaction in force that this change made."""
    earlier = [posted for old in known for posted in (old.opening, old.fee, old.outcome)]
    made = (one for one in (dispute.outcome, dispute.fee, dispute.opening) if one and one not in earlier)
    return next((one.transaction_id for one in made), None)
