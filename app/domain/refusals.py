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
        amount=command.amount,
        currency=command.currency,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_EVENTS, f"{command.merchant_id}/{payment_id or payout_id}", event)
