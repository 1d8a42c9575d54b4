"""Opening and resolving mismatches inside a draft; used by every lane that owns some.

An id is derived from (owner, leg, record ids, category): the same discrepancy is one row however often it
is found, and a discrepancy that comes back opens the same row again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from app.domain.configuration import BookRates, Platform
from app.domain.decision import Draft
from app.domain.mismatch import OPEN_STATUSES, Category, Leg, Mismatch
from app.domain.mismatch_events import MismatchChanged, MismatchOpened, MismatchRecord, MismatchResolved
from app.domain.severity import DUE_AFTER, Judgement, judge
from app.domain.state import PLATFORM, Ref
from app.domain.streams import RECONCILIATION_MISMATCHES

_NO_RATES = BookRates()
MOST_SPELLS = 50
"""Kept of one mismatch; what opens and closes more often than that has a fault elsewhere."""


def mismatch_ref(mismatch_id: str) -> Ref:
    return Ref("mismatch", (mismatch_id,))


def mismatch_id(
    owner_topic: str, owner_key: str, leg: Leg, category: Category, subject_ids: Iterable[str]
) -> str:
    """Deterministic id; the order of `subject_ids` does not matter."""
    parts = (owner_topic, owner_key, leg, category, *sorted(subject_ids))
    return "mm_" + sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def id_in(draft: Draft, leg: Leg, category: Category, subject_ids: Iterable[str]) -> str:
    """The id a mismatch has when the record in hand opens it."""
    return mismatch_id(draft.source.topic, draft.source.key, leg, category, subject_ids)


def open_mismatch(
    draft: Draft,
    *,
    leg: Leg,
    category: Category,
    merchant_id: str | None = None,
    psp: str | None = None,
    payment_id: str | None = None,
    batch_id: str | None = None,
    currency: str | None = None,
    expected_amount: int | None = None,
    actual_amount: int | None = None,
    explanation: Mapping[str, Any],
    subject_ids: Iterable[str],
) -> str:
    """Open it, open it again, or bring an open one up to date; returns its id.

    What is at stake is |expected - actual| (an absent side is 0), for CURRENCY_MISMATCH the larger side.
    Found again with the same figures nothing happens, so a rule may call this on every look.
    """
    subjects = sorted(subject_ids)
    key = id_in(draft, leg, category, subjects)
    found: Mismatch | None = draft.get(mismatch_ref(key))
    judgement = _judge(draft, category, currency, expected_amount, actual_amount)
    details = _as_kept({**explanation, "subject_ids": subjects, "severity_reasons": list(judgement.reasons)})
    figures: dict[str, Any] = {
        "severity": judgement.severity,
        "merchant_id": merchant_id,
        "psp": psp,
        "payment_id": payment_id,
        "batch_id": batch_id,
        "currency": currency,
        "expected_amount": expected_amount,
        "actual_amount": actual_amount,
        "explanation": details,
    }
    if found is not None:
        _open_again(draft, found, figures)
        return key
    opened = Mismatch(
        id=key,
        leg=leg,
        category=category,
        detected_at=draft.now,
        due_at=draft.now + DUE_AFTER[judgement.severity],
        owner_topic=draft.source.topic,
        owner_key=draft.source.key,
        **figures,
    )
    _keep(draft, opened, MismatchOpened)
    return key


def resolve_mismatch(draft: Draft, key: str, reason: str) -> bool:
    """The facts no longer support it: `auto_resolved`, its evidence kept. False where it is not open."""
    found: Mismatch | None = draft.get(mismatch_ref(key))
    if found is None or found.status not in OPEN_STATUSES:
        return False
    explanation = {**found.explanation, "resolution": reason}
    _keep(draft, replace(found, status="auto_resolved", explanation=explanation), MismatchResolved)
    return True


def is_open(draft: Draft, key: str) -> bool:
    found: Mismatch | None = draft.get(mismatch_ref(key))
    return found is not None and found.status in OPEN_STATUSES


def _as_kept(explanation: dict[str, Any]) -> dict[str, Any]:
    """What JSON makes of it, or the same explanation would look changed once it was loaded (tuples)."""
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(explanation))
    return kept


def _open_again(draft: Draft, found: Mismatch, figures: dict[str, Any]) -> None:
    """What a person resolved goes back to a person; what the engine resolved just opens again."""
    renewed = replace(found, **figures)
    if found.status == "auto_resolved":
        due_at = draft.now + DUE_AFTER[renewed.severity]
        _keep(draft, replace(renewed, status="open", detected_at=draft.now, due_at=due_at), MismatchOpened)
    elif found.status in OPEN_STATUSES:
        if renewed != found:
            _keep(draft, renewed, MismatchChanged)
    elif renewed != found:
        _keep(draft, replace(renewed, status="assigned"), MismatchOpened)


def _judge(
    draft: Draft, category: Category, currency: str | None, expected: int | None, actual: int | None
) -> Judgement:
    platform: Platform | None = draft.get(PLATFORM)
    rates = platform.book if platform is not None else _NO_RATES
    if category == "CURRENCY_MISMATCH":
        at_stake = max(abs(expected or 0), abs(actual or 0))
    else:
        at_stake = abs((expected or 0) - (actual or 0))
    return judge(category, at_stake, currency, rates)


def _keep(draft: Draft, mismatch: Mismatch, event: type[MismatchRecord]) -> None:
    kept = _timed(replace(mismatch, seq=mismatch.seq + 1), draft.now)
    draft.put(mismatch_ref(kept.id), kept)
    draft.send(RECONCILIATION_MISMATCHES, kept.id, _event(event, kept, draft.next_id(), draft.now))


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
    event: type[MismatchRecord], kept: Mismatch, event_id: str, occurred_at: datetime
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
    )
