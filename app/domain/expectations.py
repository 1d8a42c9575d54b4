"""What a PSP should settle of a payment: a function of the payment's facts, told to the matching lane.

Whatever changes a payment, the matching lane hears the difference: what is expected anew or otherwise, and
what the facts no longer support. So the order of the facts decides nothing.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.dispute import Dispute
from app.domain.payment import Capture, Payment, Refund
from app.domain.settlement import ExpectationAnnounced, ExpectationWithdrawn, LineKind
from app.domain.settlement_outputs import keep_settled
from app.domain.split_telling import tell_other_side
from app.domain.streams import MATCHING_COMMANDS

Expected = dict[tuple[str, str], ExpectationAnnounced]
"""(kind, object id) -> what is expected of it; the records have no id yet."""


def keep_expectations(draft: Draft, before: Payment | None, after: Payment) -> None:
    """Withdraw what is no longer expected, or no longer there; announce what is new or has changed.

    The last step with a payment: what is withdrawn is no longer settled either, until its new home says so.
    """
    after = tell_other_side(draft, before, after)
    old: Expected = {} if before is None else expected(before)
    new = expected(after)
    for key, record in old.items():
        kept = new.get(key)
        if kept is None or kafka_key(kept) != kafka_key(record):
            _withdraw(draft, record)
            if f"{record.kind}/{record.object_id}" in after.settled:
                after = keep_settled(draft, after, record.kind, record.object_id, False, draft.now)
    for key, record in new.items():
        if old.get(key) != record:
            _announce(draft, record)


def expect_capture(draft: Draft, payment: Payment, capture_id: str) -> None:
    """The short way for a payment's first fact, which is nearly always its only capture."""
    record = _capture(payment, capture_id, payment.captures[capture_id], draft.next_id())
    draft.send(MATCHING_COMMANDS, kafka_key(record), record)


def expected(payment: Payment) -> Expected:
    """All that the payment's facts let us expect of its PSP; a seller's order is settled with its parent."""
    if payment.parent is not None:
        return {}
    records = [_capture(payment, key, capture) for key, capture in payment.captures.items()]
    records += _refunds(payment)
    records += _chargebacks(payment)
    return {(record.kind, record.object_id): record for record in records}


def home_of(record: ExpectationAnnounced) -> str:
    """Where in the matching lane the object is kept."""
    return record.home or record.identities[0]


def kafka_key(record: ExpectationAnnounced) -> str:
    return f"{record.psp}:{home_of(record)}"


def _capture(payment: Payment, key: str, capture: Capture, record_id: str = "-") -> ExpectationAnnounced:
    names = (
        capture.psp_capture_id,
        payment.psp_payment_id,
        payment.order_ref,
        payment.id,
        payment.invoice_id,
    )
    return ExpectationAnnounced(
        id=record_id,
        psp=capture.psp,
        kind="capture",
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=key,
        identities=_distinct(names),
        gross=capture.amount,
        currency=capture.currency,
        expected_fee=capture.psp_fee,
        occurred_at=capture.occurred_at,
        home=_home(payment, key, capture.psp_capture_id),
        has_reference=bool(payment.order_ref or payment.invoice_id),
    )


def _refunds(payment: Payment) -> Iterator[ExpectationAnnounced]:
    """A refund settles negatively, once the PSP or upstream has said that it happened, unless it failed."""
    for key, refund in payment.refunds.items():
        if refund.confirmed and not refund.failed:
            yield _refund(payment, key, refund)


def _refund(payment: Payment, key: str, refund: Refund) -> ExpectationAnnounced:
    names = (refund.psp_refund_id, key, *_psp_ids(payment), payment.order_ref, payment.id)
    return ExpectationAnnounced(
        id="-",
        psp=refund.psp,
        kind="refund",
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=key,
        identities=_distinct(names),
        gross=-refund.amount,
        currency=refund.currency,
        expected_fee=_no_fee(payment),
        occurred_at=refund.occurred_at,
        home=_home(payment, key, refund.psp_refund_id),
        has_reference=bool(payment.order_ref or payment.invoice_id),
    )


def _chargebacks(payment: Payment) -> Iterator[ExpectationAnnounced]:
    """What the PSP takes when a dispute opens, with its fee, and what it gives back when that is won."""
    for key, dispute in payment.disputes.items():
        now = dispute.standing
        fee = now.fee or _no_fee(payment)
        yield _chargeback(payment, key, dispute, "chargeback", -now.amount, fee, now.opened_at)
        if now.decided_at is not None and now.stage == "won":
            fee = -now.fee_returned or _no_fee(payment)
            yield _chargeback(payment, key, dispute, "chargeback_reversal", now.amount, fee, now.decided_at)


def _chargeback(
    payment: Payment,
    key: str,
    dispute: Dispute,
    kind: LineKind,
    gross: int,
    fee: int | None,
    occurred_at: datetime,
) -> ExpectationAnnounced:
    psp_dispute_id = dispute.standing.psp_dispute_id
    ours = sorted({one.dispute_id for one in dispute.reports})
    names = (psp_dispute_id, *_psp_ids(payment), payment.order_ref, payment.id, payment.invoice_id, *ours)
    return ExpectationAnnounced(
        id="-",
        psp=dispute.psp,
        kind=kind,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=key,
        identities=_distinct(names),
        gross=gross,
        currency=dispute.currency,
        expected_fee=fee,
        occurred_at=occurred_at,
        home=_home(payment, key, psp_dispute_id),
        has_reference=bool(payment.order_ref or payment.invoice_id),
    )


def _no_fee(payment: Payment) -> int | None:
    """No fee is expected where a plan is in force; without one, no fee is compared."""
    return 0 if any(capture.psp_fee is not None for capture in payment.captures.values()) else None


def _psp_ids(payment: Payment) -> tuple[str | None, ...]:
    """The PSP's ids of the principal capture and of the payment, as far as known."""
    principal = payment.captures.get(payment.principal)
    return (principal.psp_capture_id if principal else None, payment.psp_payment_id)


def _home(payment: Payment, object_id: str, psp_object_id: str | None) -> str | None:
    """Nobody else has the PSP's id of an object, nor a merchant's name with the object's own id."""
    return None if psp_object_id else f"{payment.merchant_id}/{object_id}"


def _distinct(names: Iterable[str | None]) -> tuple[str, ...]:
    """In falling order of strength; empty ones and repeats are left out."""
    return tuple(dict.fromkeys([name for name in names if name]))


def _announce(draft: Draft, record: ExpectationAnnounced) -> None:
    draft.send(MATCHING_COMMANDS, kafka_key(record), replace(record, id=draft.next_id()))


def _withdraw(draft: Draft, record: ExpectationAnnounced) -> None:
    kind: LineKind = record.kind
    withdrawn = ExpectationWithdrawn(
        id=draft.next_id(),
        psp=record.psp,
        identity=home_of(record),
        kind=kind,
        merchant_id=record.merchant_id,
        object_id=record.object_id,
    )
    draft.send(MATCHING_COMMANDS, kafka_key(record), withdrawn)
