"""What the outside hears of a refused request."""

from typing import Any

from app.domain.decision import Draft, Refused
from app.domain.events import RequestRefused
from app.domain.streams import PAYMENTS_EVENTS


def announce_refusal(draft: Draft, command: Any, refusal: Refused) -> None:
    """The request is a subject of its own: its refusal is number 1 of it, and no state row changes."""
    payment_id, payout_id = getattr(command, "payment_id", None), getattr(command, "payout_id", None)
    event = RequestRefused(
        id=draft.next_id(),
        seq=1,
        merchant_id=command.merchant_id,
        request_id=command.id,
        request_type=type(command).__struct_config__.tag,
        code=refusal.code,
        detail=refusal.detail,
        payment_id=payment_id,
        refund_id=getattr(command, "refund_id", None),
        payout_id=payout_id,
        amount=getattr(command, "amount", None),
        currency=getattr(command, "currency", None),
        occurred_at=draft.now,
    )
    subject = payment_id or payout_id
    key = f"{command.merchant_id}/{subject}" if subject else command.merchant_id
    draft.send(PAYMENTS_EVENTS, key, event)
