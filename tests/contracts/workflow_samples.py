"""Samples of mismatches and of what people do to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from app.domain.decision import Leg
from app.domain.mismatch_events import MismatchChanged, MismatchOpened, MismatchResolved
from app.domain.workflow_records import (
    MismatchApprove,
    MismatchAssign,
    MismatchComment,
    MismatchHandBack,
    MismatchInvestigate,
    MismatchPropose,
    MismatchReject,
    MismatchReopen,
)
from app.domain.workflow_state import MatchTarget, Proposal, Resolution

AT: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LATER: Final = datetime(2026, 11, 20, 9, 0, 1, 250_000, tzinfo=UTC)
MISMATCH: Final[dict[str, Any]] = {
    "mismatch_id": "mm_1",
    "leg": "A",
    "category": "AMOUNT_UNDER",
    "severity": "LOW",
    "status": "open",
    "occurred_at": AT,
    "detected_at": AT,
    "due_at": LATER,
    "explanation": {"rule": "A1", "lines": ["acquirer-a/L1"]},
}
MISMATCH_FULL: Final[dict[str, Any]] = {
    **MISMATCH,
    "merchant_id": "m-1",
    "payment_id": "pay-1",
    "psp": "stripe",
    "batch_id": "B1",
    "currency": "EUR",
    "expected_amount": 12345,
    "actual_amount": 12000,
}
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

BY: Final[dict[str, Any]] = {
    "id": "rq_7",
    "mismatch_id": "mm_1",
    "owner_key": "stripe:pi_1",
    "actor": "key:4f2a",
    "role": "analyst",
}
FROM: Final[dict[str, Any]] = {**BY, "source_address": "203.0.113.7"}
PROPOSED: Final[dict[str, Any]] = {
    "kind": "force_match",
    "reason_code": "wrong_reference",
    "note": "the same order",
}
ACTIONS_FULL: Final[tuple[msgspec.Struct, ...]] = (
    MismatchAssign(**FROM, assignee="key:4f2a", note="mine"),
    MismatchHandBack(**FROM, note="I am away"),
    MismatchInvestigate(**FROM, note="asking the acquirer"),
    MismatchPropose(**FROM, **PROPOSED, target=TARGET),
    MismatchApprove(**FROM, proposal_id="rq_6", note="agreed"),
    MismatchReject(**FROM, note="look at the fee again"),
    MismatchComment(**FROM, note="the acquirer has answered"),
    MismatchReopen(**FROM, note="they have paid after all", assignee="key:9c01"),
)
ACTIONS_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    MismatchAssign(**BY, assignee="key:4f2a"),
    MismatchHandBack(**BY),
    MismatchInvestigate(**BY, note="asking the acquirer"),
    MismatchPropose(**BY, **PROPOSED),
    MismatchApprove(**BY),
    MismatchReject(**BY, note="look at the fee again"),
    MismatchComment(**BY, note="the acquirer has answered"),
    MismatchReopen(**BY, note="they have paid after all"),
)
MISMATCHES_FULL: Final[tuple[msgspec.Struct, ...]] = (
    MismatchOpened(id="mc.0.9.0", seq=1, **MISMATCH_FULL, **WORKED),
    MismatchChanged(id="mc.0.9.1", seq=2, **MISMATCH_FULL, **WORKED),
    MismatchResolved(id="mc.0.9.2", seq=3, **{**MISMATCH_FULL, **WORKED, "status": "resolved"}),
    *ACTIONS_FULL,
)
MISMATCHES_MINIMAL: Final[tuple[msgspec.Struct, ...]] = (
    MismatchOpened(id="mc.0.9.0", seq=1, **MISMATCH),
    MismatchChanged(id="mc.0.9.1", seq=2, **MISMATCH),
    MismatchResolved(id="mc.0.9.2", seq=3, **{**MISMATCH, "status": "auto_resolved"}),
    *ACTIONS_MINIMAL,
)
MISMATCH_EARLIER: Final[dict[str, msgspec.Struct]] = {
    "mismatch.opened.1": MismatchOpened(id="mc.0.9.0", seq=1, **MISMATCH_FULL),
    "mismatch.changed.1": MismatchChanged(id="mc.0.9.1", seq=2, **MISMATCH_FULL),
    "mismatch.resolved.1": MismatchResolved(
        id="mc.0.9.2", seq=3, **{**MISMATCH_FULL, "status": "auto_resolved"}
    ),
}
