"""Samples of what people do to mismatches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from app.domain.decision import Leg
from app.domain.workflow_state import MatchTarget, Proposal, Resolution

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
TARGET: Final = MatchTarget(merchant_id="m-1", payment_id="pay-1", object_id="pay-1", home="pi_1")
PROPOSAL: Final = Proposal(
    id="rq_1",
    kind="write_off",
    by="key:4f2a",
    role="analyst",
    at=AT,
    reason_code="rounding",
    note="the acquirer rounds down",
    legs=(Leg("write_off", "debit", 345, "EUR"), Leg("psp_recv:stripe", "credit", 345, "EUR")),
    target=TARGET,
    evidence="0123456789abcdef",
    book_amount=345,
    book_currency="EUR",
)
WORKED: Final[dict[str, Any]] = {
    "assignee": "key:4f2a",
    "proposal": PROPOSAL,
    "resolution": Resolution(proposal=PROPOSAL, approver="key:9c01", at=AT, transaction_id="mc.0.7.1"),
    "tell": ("key:4f2a", "key:9c01"),
    "audited": 4,
    "audit_hash": "ab" * 32,
}
"""Fields of an event about a mismatch that people have worked on."""
