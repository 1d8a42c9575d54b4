"""What people send to work on mismatches."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from app.domain.workflow_state import ProposalKind
from web.payment_bodies import RequestBody
from web.request_fields import Name

Note = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        pattern="^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*(?![\\s\\S])",
        description="For people; it stays in the audit",
    ),
]
ReasonCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern="^[a-z0-9_.-]+(?![\\s\\S])",
        description="A code of your own, e.g. `rounding`, `psp_error`",
    ),
]
ActionName = Literal[
    "assign", "hand_back", "investigate", "propose", "approve", "reject", "comment", "reopen"
]
MOST_AT_ONCE = 100


class Assignment(RequestBody, frozen=True, kw_only=True):
    """`assignee`: as `work.assignee` names people; left out: the caller."""

    assignee: Name | None = None
    note: Note | None = None


class HandBack(RequestBody, frozen=True, kw_only=True):
    note: Note | None = None


class Investigation(RequestBody, frozen=True, kw_only=True):
    note: Note


class TargetBody(RequestBody, frozen=True, kw_only=True):
    """What a line settles: a settlement line the payment's object (`object_id` left out: its first capture),

    a bank line the `batch`, `{source}/{batch_id}`.
    """

    merchant_id: Name | None = None
    payment_id: Name | None = None
    object_id: Name | None = None
    batch: Name | None = None


class NewProposal(RequestBody, frozen=True, kw_only=True):
    """`target`: of a force_match; of a bank line's it may be left out where a set of batches is proposed. The

    answer says what would be posted; nothing is, before its approval.
    """

    kind: ProposalKind
    reason_code: ReasonCode
    note: Note
    target: TargetBody | None = None


class Approval(RequestBody, frozen=True, kw_only=True):
    """`proposal_id`: the one that was looked at; another one that stands by now is not approved."""

    proposal_id: Name | None = None
    note: Note | None = None


class RejectedProposal(RequestBody, frozen=True, kw_only=True):
    note: Note


class Comment(RequestBody, frozen=True, kw_only=True):
    note: Note


class Reopening(RequestBody, frozen=True, kw_only=True):
    note: Note
    assignee: Name | None = None


class BulkActions(RequestBody, frozen=True, kw_only=True):
    """The same action on many mismatches, each decided by itself; fields as the action alone has them."""

    action: ActionName
    ids: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    assignee: Name | None = None
    kind: ProposalKind | None = None
    reason_code: ReasonCode | None = None
    note: Note | None = None
