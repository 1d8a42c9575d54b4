"""Events of `reconciliation.mismatches`, keyed by mismatch id. Each carries the whole mismatch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.event_base import Event
from app.domain.mismatch import Category, MismatchStatus, Severity
from app.domain.workflow_state import Proposal, Resolution


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
    assignee: str | None = None
    proposal: Proposal | None = None
    resolution: Resolution | None = None
    tell: tuple[str, ...] = ()
    """People whom this change concerns besides who made it: the assignee, the proposer, the approver."""
    audited: int = 0
    """Entries of the audit chain so far, and the hash of the last: a witness outside of the database."""
    audit_hash: str = ""


class MismatchOpened(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.opened"):
    """Opened, or opened again after it had been resolved."""


class MismatchChanged(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.changed"):
    """Its figures moved by a later fact, or people did something that `status` and the rest tell."""


class MismatchResolved(MismatchEvent, frozen=True, kw_only=True, tag="mismatch.resolved"):
    """The facts no longer support it (`auto_resolved`, `explanation.resolution` says why), or people

    approved a `resolution`."""


MismatchRecord = MismatchOpened | MismatchChanged | MismatchResolved
