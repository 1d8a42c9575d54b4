"""Opening and resolving mismatches inside a draft; used by every lane that owns some.

An id is derived from (owner, leg, record ids, category): the same discrepancy is one row however often it
is found, and a discrepancy that comes back opens the same row again.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from app.domain.audit import Act, append
from app.domain.configuration import BookRates, Platform
from app.domain.decision import Draft
from app.domain.mismatch import OPEN_STATUSES, Category, Leg, Mismatch, MismatchStatus
from app.domain.mismatch_events import MismatchChanged, MismatchOpened, MismatchResolved
from app.domain.mismatch_keeping import (
    SELF_CURED,
    concerned,
    fingerprint,
    keep,
    mismatch_ref,
    reopen_resolved,
)
from app.domain.severity import DUE_AFTER, Judgement, judge
from app.domain.state import PLATFORM

__all__ = ["id_in", "is_open", "mismatch_id", "mismatch_ref", "open_mismatch", "resolve_mismatch"]

_NO_RATES = BookRates()


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
    expected_on: date | None = None,
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
        "expected_on": expected_on,
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
    keep(draft, opened, MismatchOpened)
    return key


def resolve_mismatch(draft: Draft, key: str, reason: str) -> bool:
    """The facts no longer support it: `auto_resolved`, its evidence kept. False where it is not open.

    What people resolved by a posting is contradicted by that: the posting is reversed first.
    """
    found: Mismatch | None = draft.get(mismatch_ref(key))
    if found is not None and _is_contradicted(found):
        found = reopen_resolved(draft, found, found, Act(action="contradict", note=reason))
    if found is None or found.status not in OPEN_STATUSES:
        return False
    explanation = {**found.explanation, "resolution": reason}
    resolved = replace(found, status="auto_resolved", explanation=explanation, proposal=None)
    resolved = _audited(draft, found, resolved, Act(action="auto_resolve", note=reason))
    keep(draft, resolved, MismatchResolved, tell=concerned(found))
    return True


def _is_contradicted(mismatch: Mismatch) -> bool:
    """Whether the books hold a posting that was approved on facts which are no longer so."""
    resolution = mismatch.resolution
    posted = resolution is not None and resolution.transaction_id is not None
    return posted and mismatch.category not in SELF_CURED


def _audited(draft: Draft, before: Mismatch, after: Mismatch, act: Act) -> Mismatch:
    """What the engine does to a mismatch is in its chain once people have begun one."""
    return append(draft, before, after, act) if before.audited else after


def is_open(draft: Draft, key: str) -> bool:
    found: Mismatch | None = draft.get(mismatch_ref(key))
    return found is not None and found.status in OPEN_STATUSES


def _as_kept(explanation: dict[str, Any]) -> dict[str, Any]:
    """What JSON makes of it, or the same explanation would look changed once it was loaded (tuples)."""
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(explanation))
    return kept


def _open_again(draft: Draft, found: Mismatch, figures: dict[str, Any]) -> None:
    """What people worked on goes back to them; what the engine alone resolved just opens again."""
    renewed = replace(found, **figures)
    is_another = found.category in SELF_CURED and fingerprint(renewed) != fingerprint(found)
    if found.status == "auto_resolved" or (found.status not in OPEN_STATUSES and is_another):
        status: MismatchStatus = "assigned" if found.assignee else "open"
        due_at = draft.now + DUE_AFTER[renewed.severity]
        renewed = replace(renewed, status=status, detected_at=draft.now, due_at=due_at, resolution=None)
        keep(draft, _audited(draft, found, renewed, Act(action="open_again")), MismatchOpened)
    elif found.status in OPEN_STATUSES:
        if renewed != found:
            keep(draft, _audited(draft, found, renewed, Act(action="change")), MismatchChanged)
    elif fingerprint(renewed) != fingerprint(found):
        reopen_resolved(draft, found, renewed, Act(action="contradict"))


def at_stake(category: Category, expected: int | None, actual: int | None) -> int:
    """|expected - actual|, an absent side being 0; for CURRENCY_MISMATCH the larger side. Minor units."""
    if category == "CURRENCY_MISMATCH":
        return max(abs(expected or 0), abs(actual or 0))
    return abs((expected or 0) - (actual or 0))


def book_rates(draft: Draft) -> BookRates:
    platform: Platform | None = draft.get(PLATFORM)
    return platform.book if platform is not None else _NO_RATES


def _judge(
    draft: Draft, category: Category, currency: str | None, expected: int | None, actual: int | None
) -> Judgement:
    return judge(category, at_stake(category, expected, actual), currency, book_rates(draft))
