"""Paying out from the bank account: pending, then paid, failed, or returned after it was paid."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from app.sandbox.draft import Draft, Refusal
from app.sandbox.objects import Metadata, Payout
from app.sandbox.views import told_payout

FAILS: Final = "acct_fails"
RETURNS: Final = "acct_returns"
"""Destinations that make a payout fail, or come back."""
CLOSED: Final = "account_closed"


def ask_payout(
    draft: Draft, *, amount: int, currency: str, destination: str | None, metadata: Metadata, due_at: datetime
) -> Payout:
    asked = Payout(
        id=draft.new_id("po"),
        created_at=draft.now,
        amount=amount,
        currency=currency,
        metadata=metadata,
        destination=destination,
        due_at=due_at,
    )
    draft.put(asked)
    return asked


def pay_payout(draft: Draft, payout_id: str, returns_at: datetime | None = None) -> Payout:
    """`returns_at`: when the receiving bank will send it back."""
    asked = _of(draft, payout_id, "pending")
    fee = draft.terms.plan.payout
    paid = replace(asked, status="paid", fee=fee, paid_at=draft.now, due_at=returns_at)
    draft.put(paid)
    draft.pay(paid, -paid.amount - fee, f"payout {paid.id} {paid.metadata.get('payout_id', '')}".strip())
    draft.tell("payout.paid", told_payout(paid, fee=fee))
    return paid


def fail_payout(draft: Draft, payout_id: str, reason: str = CLOSED) -> Payout:
    asked = _of(draft, payout_id, "pending")
    failed = replace(asked, status="failed", reason=reason, closed_at=draft.now, due_at=None)
    draft.put(failed)
    draft.tell("payout.failed", told_payout(failed, reason=reason))
    return failed


def return_payout(draft: Draft, payout_id: str, reason: str = CLOSED) -> Payout:
    """The amount comes back to the bank account; the bank keeps its fee."""
    paid = _of(draft, payout_id, "paid")
    returned = replace(paid, status="returned", reason=reason, closed_at=draft.now, due_at=None)
    draft.put(returned)
    draft.pay(returned, returned.amount, f"return of payout {returned.id}")
    draft.tell("payout.returned", told_payout(returned, reason=reason))
    return returned


def _of(draft: Draft, payout_id: str, status: str) -> Payout:
    found = draft.get(Payout, payout_id)
    if found.status != status:
        raise Refusal(422, f"not_{status}", f"payout {payout_id} is {found.status}")
    return found
