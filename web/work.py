"""What people have done about a mismatch and may do now, for the API and for pages."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.workflow_records import ACTIONS, MismatchAction
from app.domain.workflow_state import Proposal, Resolution
from app.domain.workflow_steps import LEADS, STEPS
from app.store.web_mismatches import MismatchDetails
from web.call import Caller
from web.mismatch_schemas import PostingLeg, ProposalView, ResolutionView, Work


def actor_of(caller: Caller) -> str:
    """How decisions and the audit name who acts."""
    return f"{caller.kind}:{caller.id}"


def action_name(kind: type[MismatchAction]) -> str:
    return str(kind.__struct_config__.tag).removeprefix("mismatch.")


def work_of(found: MismatchDetails, caller: Caller) -> Work:
    work = found.work
    return Work(
        assignee=work.assignee,
        proposal=_proposal(work.proposal) if work.proposal else None,
        resolution=_resolution(work.resolution) if work.resolution else None,
        audited=work.audited,
        actions=list(possible(found, caller)),
    )


def possible(found: MismatchDetails, caller: Caller) -> Iterator[str]:
    """What role, status and assignment leave to the caller; the lane has the last word."""
    actor, work = actor_of(caller), found.work
    may_hand_over = work.assignee in (None, actor) or caller.role in LEADS
    for kind in ACTIONS:
        name, step = action_name(kind), STEPS[kind]
        if caller.role not in step.roles or found.row.status not in step.statuses:
            continue
        if name in ("investigate", "propose") and work.assignee != actor:
            continue
        if name in ("assign", "hand_back") and not may_hand_over:
            continue
        if name == "approve" and work.proposal is not None and work.proposal.by == actor:
            continue
        yield name


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(
        id=proposal.id,
        kind=proposal.kind,
        by=proposal.by,
        role=proposal.role,
        at=proposal.at,
        reason_code=proposal.reason_code,
        note=proposal.note,
        posting=[PostingLeg(**leg._asdict()) for leg in proposal.legs],
        target=proposal.target,
        book_amount=proposal.book_amount,
        book_currency=proposal.book_currency,
    )


def _resolution(resolution: Resolution) -> ResolutionView:
    return ResolutionView(
        proposal=_proposal(resolution.proposal),
        approver=resolution.approver,
        at=resolution.at,
        transaction_id=resolution.transaction_id,
    )
