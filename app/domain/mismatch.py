"""A mismatch (an exception of the reconciliation) as its owner lane keeps it."""

from datetime import date, datetime
from typing import Any, Literal

import msgspec

from app.domain.workflow_state import Proposal, Resolution

Category = Literal[
    "MISSING_SETTLEMENT",
    "MISSING_PAYMENT",
    "MISSING_BANK",
    "UNEXPECTED_BANK",
    "AMOUNT_OVER",
    "AMOUNT_UNDER",
    "FEE_VARIANCE",
    "CURRENCY_MISMATCH",
    "FX_VARIANCE",
    "DUPLICATE_SETTLEMENT",
    "DUPLICATE_PAYMENT",
    "STATUS_MISMATCH",
    "DIRECTION_MISMATCH",
    "SPLIT_MISMATCH",
    "PARTIAL_SETTLEMENT",
    "BATCH_TRAILER_MISMATCH",
    "BATCH_RESIDUAL",
    "AMBIGUOUS",
    "LATE",
    "REFUND_EXCEEDS_CAPTURE",
    "DISPUTE_UNMATCHED",
    "INVOICE_UNPAID",
    "NEGATIVE_BALANCE",
]
Leg = Literal["A", "B", "C", "M"]
"""A: expectation, line. B: batch, bank line. C: payout, bank debit. M: the merchant's own books."""
Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
MismatchStatus = Literal[
    "open", "assigned", "investigating", "pending_approval", "resolved", "auto_resolved", "written_off"
]
OPEN_STATUSES = ("open", "assigned", "investigating", "pending_approval")


class Mismatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Amounts in minor units of `currency`; `explanation` says rule, inputs, differences and reasons.

    `detected_after_ms`: from the second side's append to the log until the decision's commit; filled in by
    the commit itself (None while it is not known), so that a decision stays a pure function.
    """

    id: str
    leg: Leg
    category: Category
    severity: Severity
    status: MismatchStatus = "open"
    merchant_id: str | None = None
    psp: str | None = None
    payment_id: str | None = None
    batch_id: str | None = None
    currency: str | None = None
    expected_amount: int | None = None
    actual_amount: int | None = None
    detected_at: datetime
    due_at: datetime
    owner_topic: str
    owner_key: str
    explanation: dict[str, Any] = {}
    seq: int = 0
    opened_at: datetime | None = None
    """Since when it is or was open this time; None: `detected_at`, while it is open."""
    closed_at: datetime | None = None
    """Since when it is resolved; None while it is open."""
    spells: tuple[tuple[datetime, datetime], ...] = ()
    """Earlier times in which it was open: [from, to), oldest first; views of the past need them."""
    expected_on: date | None = None
    """The day by which the money was expected; ageing counts from it. None: from the day of detection."""
    assignee: str | None = None
    """Who works on it, or worked on it last."""
    proposal: Proposal | None = None
    """Awaits approval."""
    resolution: Resolution | None = None
    """How people resolved it, while that stands."""
    audited: int = 0
    """Entries of its audit chain; `audit_hash` is the hash of the last."""
    audit_hash: str = ""
