"""Stripe's disputes as facts: opened when the money is taken, won or lost when it is decided.

An inquiry (`warning_…`) moves no money and is no dispute of ours. What a dispute took and gave back stands in
its `balance_transactions`, zero to two of them (docs.stripe.com/api/disputes/object): while there are none,
nothing has been taken yet, and `charge.dispute.funds_withdrawn` will say so. Disputes of the oldest API
versions have one `balance_transaction` and no id: a charge had one dispute, which goes by the charge's id.
"""

from __future__ import annotations

from typing import Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import EventIgnored, Unreadable
from app.psp.reading import EpochSeconds, decode, moment
from app.psp.stripe_objects import OBJECT, Event, Metadata, Reference, payment_of, stripe_fact

WITHDRAWN: Final = "charge.dispute.funds_withdrawn"
REINSTATED: Final = "charge.dispute.funds_reinstated"
INQUIRY: Final = ("warning_needs_response", "warning_under_review", "warning_closed")
OPEN: Final = ("needs_response", "under_review")


class Movement(msgspec.Struct, frozen=True):
    """A balance transaction: money between Stripe and us, in the currency of our balance."""

    amount: int
    currency: str
    created: EpochSeconds
    fee: int = 0


class Dispute(msgspec.Struct, frozen=True):
    amount: int
    currency: str
    created: EpochSeconds
    status: str
    id: str | None = None
    reason: str | None = None
    charge: Reference = None
    payment_intent: Reference = None
    metadata: Metadata | None = None
    balance_transactions: list[Movement] = []
    balance_transaction: Reference = None

    @property
    def known_by(self) -> str:
        return self.id or payment_of(None, self.charge)

    @property
    def took_money(self) -> bool:
        return bool(self.balance_transactions or self.balance_transaction)

    def fee(self, sign: int) -> int:
        """What was charged (1) or given back (-1) in fees; 0 where our balance is in another currency."""
        moved = [each for each in self.balance_transactions if each.currency == self.currency]
        return sum(sign * each.fee for each in moved if sign * each.fee > 0)


def dispute(event: Event) -> list[PspFact]:
    """The opening, and the decision where there is one; the dispute's id is the same whatever says so."""
    found = decode(event.data.object, Dispute, OBJECT)
    if found.status in INQUIRY:
        raise EventIgnored(f"{event.type}: an inquiry; no money has moved")
    verdict = _verdict(event, found)
    if not (found.took_money or verdict or event.type == WITHDRAWN):
        raise EventIgnored(f"{event.type}: no money has moved yet; {WITHDRAWN} will say so")
    opened = _fact("dispute_opened", event, found)
    return [opened] if verdict is None else [opened, verdict]


def _verdict(event: Event, found: Dispute) -> PspFact | None:
    if found.status == "lost":
        return _fact("dispute_lost", event, found)
    if found.status == "won" or event.type == REINSTATED:
        return _fact("dispute_won", event, found)
    if found.status not in OPEN:
        raise Unreadable(f"status {found.status!r} of dispute {found.known_by} is not known")
    return None


def _fact(kind: PspFactKind, event: Event, found: Dispute) -> PspFact:
    opening = kind == "dispute_opened"
    return stripe_fact(
        kind,
        amount=found.amount,
        currency=found.currency,
        metadata=found.metadata,
        own_id="dispute_id",
        psp_payment_id=payment_of(found.payment_intent, found.charge),
        psp_object_id=found.known_by,
        reason=found.reason if opening else None,
        fee=found.fee(-1 if kind == "dispute_won" else 1) if kind != "dispute_lost" else 0,
        occurred_at=moment(_when(kind, event, found)),
    )


def _when(kind: PspFactKind, event: Event, found: Dispute) -> int:
    """The object's own times where it has them: they are the same in every event about it."""
    if kind == "dispute_opened":
        return found.created
    returned = [each.created for each in found.balance_transactions if each.amount > 0]
    return min(returned) if returned and kind == "dispute_won" else event.created
