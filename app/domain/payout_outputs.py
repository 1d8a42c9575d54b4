"""Events about payouts."""

from datetime import datetime
from typing import Any

from app.domain.decision import Draft
from app.domain.events import PayoutEvent
from app.domain.payout import Payout
from app.domain.payout_bank import announce_to_bank
from app.domain.streams import PAYMENTS_EVENTS


def announce_payout(
    draft: Draft,
    payout: Payout,
    event: type[PayoutEvent],
    transaction_id: str | None,
    occurred_at: datetime,
    **more: Any,
) -> None:
    """Send the event of a payout as it stands now."""
    record = event(
        id=draft.next_id(),
        seq=payout.seq,
        merchant_id=payout.merchant_id,
        payout_id=payout.id,
        amount=payout.amount,
        currency=payout.currency,
        status=payout.status,
        psp_payout_id=payout.psp_payout_id,
        transaction_id=transaction_id,
        occurred_at=occurred_at,
        **more,
    )
    draft.send(PAYMENTS_EVENTS, f"{payout.merchant_id}/{payout.id}", record)
    announce_to_bank(draft, payout)
