"""Events of `reconciliation.mismatches`, keyed by mismatch id. Each carries the whole mismatch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.event_base import Event
from app.domain.mismatch import Category, MismatchStatus, Severity


class MismatchEvent(Event, frozen=True, kw_only=True):
    """Amounts in minor units of `currency`. `occurred_at` is when this change was decided."""

    mismatch_id: str
    leg: str
    category: Category
    severity: Severity
    status: MismatchStatus
    merchant_id: str | None = None
    psp: str | None = None
    payment_id: str | None = None
    batch_id: str | None = None
    currency: str | None = None
    expected_amount: int | None = None
    actual_amount: int | None = None
    occurred_at: datetime
    detected_at: datetime
    due_at: datetime
    explanation: Mapping[str, Any]


class MismatchOpened(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.opened"):
    """Opened, or opened again after it had been resolved."""


class MismatchChanged(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.changed"):
    """Still open, but a later fact moved its figures."""


class MismatchResolved(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.resolved"):
    """The full set of facts no longer supports it; `explanation.resolution` says why."""


MismatchRecord = MismatchOpened | MismatchChanged | MismatchResolved
