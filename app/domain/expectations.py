"""What the merchant lane tells the matching lane to expect from a PSP: one record per capture and refund."""

from app.domain.decision import Draft
from app.domain.payment import Capture, Payment, Refund
from app.domain.settlement import ExpectationAnnounced, ExpectationWithdrawn, LineKind
from app.domain.streams import MATCHING_COMMANDS


def expect_capture(draft: Draft, payment: Payment, capture_id: str, capture: Capture) -> None:
    """Identities in falling order of strength: the PSP's object id, order_ref, payment_id, invoice_id."""
    known = (capture.psp_capture_id, payment.order_ref, payment.id, payment.invoice_id)
    identities = tuple(dict.fromkeys([identity for identity in known if identity]))
    record = ExpectationAnnounced(
        id=draft.next_id(),
        psp=capture.psp,
        kind="capture",
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=capture_id,
        identities=identities,
        gross=capture.amount,
        currency=capture.currency,
        expected_fee=capture.psp_fee,
        occurred_at=capture.occurred_at,
    )
    draft.send(MATCHING_COMMANDS, f"{capture.psp}:{identities[0]}", record)


def expect_refund(draft: Draft, payment: Payment, refund_id: str, refund: Refund) -> None:
    """A refund settles negatively and under an id of its own; no fee is expected where a plan is in force."""
    identities = (refund.psp_refund_id, refund_id) if refund.psp_refund_id else (refund_id,)
    has_plan = any(capture.psp_fee is not None for capture in payment.captures.values())
    record = ExpectationAnnounced(
        id=draft.next_id(),
        psp=refund.psp,
        kind="refund",
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        object_id=refund_id,
        identities=tuple(dict.fromkeys(identities)),
        gross=-refund.amount,
        currency=refund.currency,
        expected_fee=0 if has_plan else None,
        occurred_at=refund.occurred_at,
    )
    draft.send(MATCHING_COMMANDS, f"{refund.psp}:{identities[0]}", record)


def leave_capture_homes(draft: Draft, before: Payment, after: Payment, capture_id: str) -> None:
    """The PSP's id of a capture became known: what was announced under our own ids is taken back."""
    old = before.captures[capture_id]
    if old.psp_capture_id is None:
        weaker = [
            identity
            for payment in (before, after)
            for identity in (payment.order_ref, payment.id, payment.invoice_id)
            if identity
        ]
        _withdraw(draft, "capture", old.psp, after.merchant_id, capture_id, weaker)


def leave_refund_home(draft: Draft, payment: Payment, refund_id: str, old: Refund) -> None:
    """As for captures; a refund that was only requested has not been announced."""
    if old.confirmed and old.psp_refund_id is None:
        _withdraw(draft, "refund", old.psp, payment.merchant_id, refund_id, [refund_id])


def _withdraw(
    draft: Draft, kind: LineKind, psp: str, merchant_id: str, object_id: str, identities: list[str]
) -> None:
    """It was announced under one of them; where it is not, the matching lane ignores it."""
    for identity in dict.fromkeys(identities):
        record = ExpectationWithdrawn(
            id=draft.next_id(),
            psp=psp,
            identity=identity,
            kind=kind,
            merchant_id=merchant_id,
            object_id=object_id,
        )
        draft.send(MATCHING_COMMANDS, f"{psp}:{identity}", record)
