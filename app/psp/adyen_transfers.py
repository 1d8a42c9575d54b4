"""Adyen's transfers that are our payouts, told by their `reference`: `payout_id:{merchant_id}/{payout_id}`.

`booked` is paid; a transfer that was booked and then fails, or is returned, comes back; one that was never
booked did not leave (docs.adyen.com/payouts/payout-service/payout-webhooks). All other transfers are ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import EventIgnored
from app.psp.adyen_items import EXPONENTS, NAME, PAYOUT_REFERENCE, Amount
from app.psp.reading import decode, fact, minor_units

TYPES: Final = ("balancePlatform.transfer.created", "balancePlatform.transfer.updated")
BOOKED: Final = "booked"
CAME_TO_NOTHING: Final = ("refused", "failed", "returned", "cancelled", "error")


class TransferEvent(msgspec.Struct, frozen=True):
    status: str | None = None


class Transfer(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    amount: Amount
    status: str
    reference: str | None = None
    reason: str | None = None
    sequence_number: int | None = None
    events: list[TransferEvent] = []

    @property
    def was_booked(self) -> bool:
        return self.status == "returned" or any(event.status == BOOKED for event in self.events)


class TransferWebhook(msgspec.Struct, frozen=True):
    type: str
    data: Transfer
    timestamp: datetime


def read_transfer(body: bytes) -> list[tuple[str, PspFact]]:
    """A webhook about a transfer. Raises EventIgnored where it is not ours or not decided, Unreadable."""
    told = decode(body, TransferWebhook)
    made = told.data
    event_id = f"{made.id}:{made.sequence_number or made.status}"
    facts = transfer_facts(made, told.timestamp)
    if not facts:
        raise EventIgnored(f"{told.type} {made.id}: no payout of ours, or not decided yet")
    return [(event_id, each) for each in facts]


def transfer_facts(made: Transfer, at: datetime) -> tuple[PspFact, ...]:
    """What a transfer's status says; none where it is not a payout of ours, or on its way."""
    reference = made.reference or ""
    kind = _kind(made)
    if kind is None or not reference.startswith(PAYOUT_REFERENCE):
        return ()
    merchant_id, _, payout_id = reference.removeprefix(PAYOUT_REFERENCE).partition("/")
    told = fact(
        kind=kind,
        psp=NAME,
        psp_payment_id=made.id,
        amount=minor_units(made.amount.value, made.amount.currency, EXPONENTS),
        currency=made.amount.currency,
        occurred_at=at,
        reason=None if kind == "payout_paid" else made.reason or made.status,
        merchant_id=merchant_id,
        payment_id=payout_id,
    )
    return (told,)


def _kind(made: Transfer) -> PspFactKind | None:
    if made.status == BOOKED:
        return "payout_paid"
    if made.status in CAME_TO_NOTHING:
        return "payout_returned" if made.was_booked else "payout_failed"
    return None
