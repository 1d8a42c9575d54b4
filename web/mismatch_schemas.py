"""What the API answers about mismatches. Amounts in minor units of the `currency` beside them, UTC."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from app.domain.fields import Moment
from app.domain.workflow_state import MatchTarget
from app.store.web_mismatches import MismatchGroup
from web.schemas import Answer


class Mismatch(Answer, frozen=True, kw_only=True):
    """`difference` = actual − expected. `detected_after_ms`: from the second side's append to the commit.

    `seq` grows with every change of the mismatch, in lists and in the stream alike.
    """

    id: str
    seq: int
    leg: str
    category: str
    severity: str
    status: str
    merchant_id: str | None
    psp: str | None
    payment_id: str | None
    batch_id: str | None
    currency: str | None
    expected_amount: int | None
    actual_amount: int | None
    difference: int | None
    detected_at: Moment
    detected_after_ms: int | None
    due_at: Moment
    assignee: str | None = None
    """Who works on it; null for merchants."""


class PostingLeg(Answer, frozen=True, kw_only=True):
    """One entry of what a proposal posts once it is approved; minor units of `currency`."""

    account: str
    direction: Literal["debit", "credit"]
    amount: int
    currency: str


class ProposalView(Answer, frozen=True, kw_only=True):
    """How somebody proposes to resolve it. `book_amount`: what approval limits are compared with, minor units
    of `book_currency`; null where no rate into it is stored."""

    id: str
    kind: str
    by: str
    role: str
    at: Moment
    reason_code: str
    note: str
    posting: list[PostingLeg]
    target: MatchTarget | None
    book_amount: int | None
    book_currency: str


class ResolutionView(Answer, frozen=True, kw_only=True):
    """What another person approved, and the transaction that it posted."""

    proposal: ProposalView
    approver: str
    at: Moment
    transaction_id: str | None


class Work(Answer, frozen=True, kw_only=True):
    """Where people are with it. `actions`: what the caller may do now, as far as role and status say."""

    assignee: str | None
    proposal: ProposalView | None
    resolution: ResolutionView | None
    audited: int
    actions: list[str]


class SideField(Answer, frozen=True, kw_only=True):
    """One field as its record has it. Amounts are integers with their `currency`."""

    name: str
    value: Any
    currency: str | None = None
    differs: bool = False


class Side(Answer, frozen=True, kw_only=True):
    """One record of the comparison. `role`: what was expected, or what came."""

    role: Literal["expected", "actual"]
    title: str
    fields: list[SideField]


class Difference(Answer, frozen=True, kw_only=True):
    """A field beyond its tolerance. `currency` is set where the values are amounts in minor units."""

    field: str
    expected: Any
    actual: Any
    difference: int | None
    tolerance: Any
    currency: str | None


class Moved(Answer, frozen=True, kw_only=True):
    """One step of the time line. `is_day`: the fact has a date and no time."""

    at: Moment
    is_day: bool
    kind: Literal["fact", "ledger", "mismatch"]
    text: str


class Rejected(Answer, frozen=True, kw_only=True):
    """A record that was looked at and not paired, and why."""

    record: dict[str, Any]
    reasons: list[str]


class Evidence(Answer, frozen=True, kw_only=True):
    """Why it is a mismatch, for people: all of it follows from `explanation` and the ledger."""

    summary: str
    rule: str
    reasons: list[str]
    severity_reasons: list[str]
    resolution: str | None
    sides: list[Side]
    differences: list[Difference]
    rejected: list[Rejected]
    timeline: list[Moved]


class MismatchDetail(Mismatch, frozen=True, kw_only=True):
    """The last five are for staff only."""

    explanation: dict[str, Any] | UnsetType = UNSET
    owner_topic: str | UnsetType = UNSET
    owner_key: str | UnsetType = UNSET
    evidence: Evidence | UnsetType = UNSET
    work: Work | UnsetType = UNSET


class MismatchCounts(Answer, frozen=True, kw_only=True):
    """Not `is_complete`: counting ended at `total`, there are more."""

    total: int
    is_complete: bool
    groups: list[MismatchGroup]


class MismatchPage(Answer, frozen=True, kw_only=True):
    """`next_cursor` is null exactly when `has_more` is false; `counts` unless they were asked for."""

    items: list[Mismatch]
    has_more: bool
    next_cursor: str | None
    counts: MismatchCounts | None


class StreamedMismatch(Mismatch, frozen=True, kw_only=True):
    """Data of the stream's event `mismatch`; `change` is `opened`, `changed` or `resolved`.

    `detected_after_ms` is null where the database did not answer at once.
    """

    change: str
    occurred_at: Moment
