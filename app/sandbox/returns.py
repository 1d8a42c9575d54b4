"""Giving money back: refunds and disputes. Refunded and disputed together never exceed what was captured."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from app.sandbox.draft import Draft, Refusal
from app.sandbox.objects import Charge, Dispute, Metadata, Refund
from app.sandbox.views import told


def refund(
    draft: Draft, charge_id: str, *, amount: int | None, metadata: Metadata, fails_at: datetime | None = None
) -> Refund:
    """All that can be given back without an amount. `fails_at`: when the payer's bank will send it back."""
    charge = draft.get(Charge, charge_id)
    amount = _within(charge, amount)
    made = Refund(
        id=draft.new_id("re"),
        charge=charge.id,
        created_at=draft.now,
        amount=amount,
        currency=charge.currency,
        metadata={**charge.metadata, **metadata},
        due_at=fails_at,
    )
    draft.put(replace(charge, amount_refunded=charge.amount_refunded + amount))
    draft.put(made)
    draft.move("refund", made, -amount)
    draft.tell("refund.succeeded", told(charge, made))
    return made


def fail_refund(draft: Draft, refund_id: str, reason: str) -> Refund:
    """The payer's bank has sent it back. Raises Refusal where that has happened already."""
    made = draft.get(Refund, refund_id)
    if made.status == "failed":
        raise Refusal(422, "already_failed", f"refund {refund_id} has failed already")
    charge = draft.get(Charge, made.charge)
    failed = replace(made, status="failed", reason=reason, failed_at=draft.now, due_at=None)
    draft.put(replace(charge, amount_refunded=charge.amount_refunded - made.amount))
    draft.put(failed)
    draft.move("refund_failed", failed, made.amount)
    draft.tell("refund.failed", told(charge, failed, reason=reason))
    return failed


def open_dispute(
    draft: Draft, charge_id: str, *, amount: int | None, reason: str, metadata: Metadata
) -> Dispute:
    """The PSP takes the amount and its fee at once."""
    charge = draft.get(Charge, charge_id)
    amount = _within(charge, amount)
    fee = draft.terms.plan.dispute
    made = Dispute(
        id=draft.new_id("dp"),
        charge=charge.id,
        created_at=draft.now,
        amount=amount,
        currency=charge.currency,
        metadata={**charge.metadata, **metadata},
        fee=fee,
        reason=reason,
    )
    draft.put(replace(charge, amount_disputed=charge.amount_disputed + amount))
    draft.put(made)
    draft.move("chargeback", made, -amount, fee)
    draft.tell("dispute.opened", told(charge, made, fee=fee, reason=reason))
    return made


def win_dispute(draft: Draft, dispute_id: str) -> Dispute:
    """The amount comes back, and what the plan says of the fee."""
    made, charge = _open(draft, dispute_id)
    returned = min(draft.terms.plan.dispute_returned, made.fee)
    won = replace(made, status="won", closed_at=draft.now, fee_returned=returned)
    draft.put(replace(charge, amount_disputed=charge.amount_disputed - made.amount))
    draft.put(won)
    draft.move("chargeback_reversal", won, made.amount, -returned)
    draft.tell("dispute.won", told(charge, won, fee=returned))
    return won


def lose_dispute(draft: Draft, dispute_id: str) -> Dispute:
    made, charge = _open(draft, dispute_id)
    lost = replace(made, status="lost", closed_at=draft.now)
    draft.put(lost)
    draft.tell("dispute.lost", told(charge, lost))
    return lost


def _open(draft: Draft, dispute_id: str) -> tuple[Dispute, Charge]:
    made = draft.get(Dispute, dispute_id)
    if made.status != "open":
        raise Refusal(422, "already_closed", f"dispute {dispute_id} is {made.status}")
    return made, draft.get(Charge, made.charge)


def _within(charge: Charge, amount: int | None) -> int:
    left = charge.amount_captured - charge.amount_refunded - charge.amount_disputed
    amount = left if amount is None else amount
    if amount > left or amount < 1:
        raise Refusal(422, "exceeds_captured", f"{left} is left of what was captured, not {amount}")
    return amount
