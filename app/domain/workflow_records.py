"""What people ask to be done about a mismatch: requests on the topic of the lane that owns it.

`owner_key` is the mismatch's own, so the record reaches the partition that keeps it. `actor` and `role` are
who asked, as the web process authenticated them; whether they may, the lane decides (`workflow.py`). `id` is
made of the actor, the route and the `Idempotency-Key`, and stands in the audit as the request.
"""

from typing import Annotated, Final

from msgspec import Meta

from app.domain.command_base import Command
from app.domain.fields import Id, LongId
from app.domain.workflow_state import MatchTarget, ProposalKind

Note = Annotated[str, Meta(min_length=1, max_length=2000, pattern="^[^\\u0000]*(?![\\s\\S])")]
ReasonCode = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-z0-9_.-]+(?![\\s\\S])")]


class MismatchAction(Command, frozen=True, kw_only=True, gc=False):
    """`source_address`: where the request came from, as far as the web process sees it."""

    mismatch_id: Id
    owner_key: LongId
    actor: Id
    role: Id
    source_address: Annotated[str, Meta(max_length=100)] | None = None


class MismatchAssign(MismatchAction, frozen=True, kw_only=True, tag="mismatch.assign", gc=False):
    """To a person, who may be the one who asks; a hand-over where somebody else has it."""

    assignee: Id
    note: Note | None = None


class MismatchHandBack(MismatchAction, frozen=True, kw_only=True, tag="mismatch.hand_back", gc=False):
    """Nobody's again."""

    note: Note | None = None


class MismatchInvestigate(MismatchAction, frozen=True, kw_only=True, tag="mismatch.investigate", gc=False):
    """The assignee looks into it; the note says how."""

    note: Note


class MismatchPropose(MismatchAction, frozen=True, kw_only=True, tag="mismatch.propose", gc=False):
    """How to resolve it; the lane computes the posting. `target`: of a force_match."""

    kind: ProposalKind
    reason_code: ReasonCode
    note: Note
    target: MatchTarget | None = None


class MismatchApprove(MismatchAction, frozen=True, kw_only=True, tag="mismatch.approve", gc=False):
    """Another person agrees. `proposal_id`: the one that was looked at; None: whichever it is."""

    proposal_id: Id | None = None
    note: Note | None = None


class MismatchReject(MismatchAction, frozen=True, kw_only=True, tag="mismatch.reject", gc=False):
    """Back to the assignee, with the reason."""

    note: Note


class MismatchComment(MismatchAction, frozen=True, kw_only=True, tag="mismatch.comment", gc=False):
    """Said of it, in any state."""

    note: Note


class MismatchReopen(MismatchAction, frozen=True, kw_only=True, tag="mismatch.reopen", gc=False):
    """What was resolved is work again; its posting is reversed. `assignee` None: the last one."""

    note: Note
    assignee: Id | None = None


MismatchActions = (
    MismatchAssign
    | MismatchHandBack
    | MismatchInvestigate
    | MismatchPropose
    | MismatchApprove
    | MismatchReject
    | MismatchComment
    | MismatchReopen
)
ACTIONS: Final[tuple[type[MismatchAction], ...]] = (
    MismatchAssign,
    MismatchHandBack,
    MismatchInvestigate,
    MismatchPropose,
    MismatchApprove,
    MismatchReject,
    MismatchComment,
    MismatchReopen,
)
