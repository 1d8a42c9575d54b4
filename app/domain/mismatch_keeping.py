"""Keeps mismatches: the row, when it was open, its event; and how a resolution of people's is taken back."""

from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.alert_notices import notify
from app.domain.audit import Act, append
from app.domain.decision import Draft
from app.domain.mismatch import OPEN_STATUSES, Mismatch
from app.domain.mismatch_events import MismatchOpened, MismatchRecord
from app.domain.postings import reversal
from app.domain.severity import DUE_AFTER
from app.domain.state import Ref
from app.domain.streams import RECONCILIATION_MISMATCHES

MOST_SPELLS = 50
"""Kept of one mismatch; what opens and closes more often than that has a fault elsewhere."""
SELF_CURED: Final = frozenset({"NEGATIVE_BALANCE"})
"""Categories that their own resolution ends: what the engine finds afterwards is another discrepancy."""
REVERSED: Final = "resolution.reversed"
"""Kind of the transaction that takes back what an approval posted."""
_NO_EVIDENCE: Final = frozenset(
    {"severity_reasons", "configuration_version", "merchant_version", "rule_version", "resolution"}
)
"""Of an explanation: what may change while the facts stay the same."""


def mismatch_ref(mismatch_id: str) -> Ref:
    return Ref("mismatch", (mismatch_id,))


def keep(
    draft: Draft, mismatch: Mismatch, event: type[MismatchRecord], tell: tuple[str, ...] = ()
) -> Mismatch:
    """Write the row, send its event, and what alerts may want of it. `tell`: people whom it concerns."""
    before: Mismatch | None = draft.get(mismatch_ref(mismatch.id))
    kept = _timed(replace(mismatch, seq=mismatch.seq + 1), draft.now)
    draft.put(mismatch_ref(kept.id), kept)
    draft.send(RECONCILIATION_MISMATCHES, kept.id, _event(event, kept, draft.next_id(), draft.now, tell))
    notify(draft, before, kept)
    return kept


def _timed(mismatch: Mismatch, now: datetime) -> Mismatch:
    """When it closed, or that it is open again: `mismatches_open_at` (0018) tells the past by it."""
    if mismatch.status not in OPEN_STATUSES:
        opened_at = mismatch.opened_at or mismatch.detected_at
        return replace(mismatch, opened_at=opened_at, closed_at=mismatch.closed_at or now)
    if mismatch.closed_at is None or mismatch.opened_at is None:
        return mismatch
    spells = (*mismatch.spells, (mismatch.opened_at, mismatch.closed_at))[-MOST_SPELLS:]
    return replace(mismatch, opened_at=now, closed_at=None, spells=spells)


def _event(
    event: type[MismatchRecord],
    kept: Mismatch,
    event_id: str,
    occurred_at: datetime,
    tell: tuple[str, ...],
) -> msgspec.Struct:
    return event(
        id=event_id,
        seq=kept.seq,
        mismatch_id=kept.id,
        leg=kept.leg,
        category=kept.category,
        severity=kept.severity,
        status=kept.status,
        merchant_id=kept.merchant_id,
        psp=kept.psp,
        payment_id=kept.payment_id,
        batch_id=kept.batch_id,
        currency=kept.currency,
        expected_amount=kept.expected_amount,
        actual_amount=kept.actual_amount,
        occurred_at=occurred_at,
        detected_at=kept.detected_at,
        due_at=kept.due_at,
        explanation=kept.explanation,
        assignee=kept.assignee,
        proposal=kept.proposal,
        resolution=kept.resolution,
        tell=tell,
        audited=kept.audited,
        audit_hash=kept.audit_hash,
    )


def reopen_resolved(draft: Draft, found: Mismatch, renewed: Mismatch, act: Act) -> Mismatch:
    """What people resolved is theirs again, as `renewed` states it; what the approval posted is reversed."""
    resolution = found.resolution
    reversed_by = None
    if resolution is not None and resolution.transaction_id is not None:
        reversed_by = draft.post(
            REVERSED,
            reversal(list(resolution.proposal.legs)),
            draft.now,
            found.merchant_id,
            found.payment_id,
            reverses=resolution.transaction_id,
        )
    due_at = draft.now + DUE_AFTER[renewed.severity]
    again = replace(renewed, status="assigned", resolution=None, proposal=None, due_at=due_at)
    again = append(draft, found, again, msgspec.structs.replace(act, transaction_id=reversed_by))
    return keep(draft, again, MismatchOpened, tell=concerned(found))


def fingerprint(mismatch: Mismatch) -> str:
    """Of the evidence: equal while nothing that the finding rests on has changed."""
    explanation = {k: v for k, v in mismatch.explanation.items() if k not in _NO_EVIDENCE}
    figures = (mismatch.currency, mismatch.expected_amount, mismatch.actual_amount, mismatch.batch_id)
    known = (mismatch.merchant_id, mismatch.psp, mismatch.payment_id, *figures, explanation)
    return sha256(msgspec.json.encode(known, order="sorted")).hexdigest()[:16]


def concerned(mismatch: Mismatch) -> tuple[str, ...]:
    """Who works on it, has proposed or approved: they are told by the event."""
    proposal, resolution = mismatch.proposal, mismatch.resolution
    named = [mismatch.assignee, proposal.by if proposal else None]
    named += [resolution.proposal.by, resolution.approver] if resolution else []
    return tuple(sorted({name for name in named if name}))
