"""What the merchant lane tells the matching lane to expect from a PSP: one record per capture and refund."""

from app.domain.decision import Draft
from app.domain.payment import Capture, Payment, Refund
from app.domain.settlement import ExpectationAnnounced
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
