"""Decides what people ask to be done about a mismatch, in whichever lane owns it.

The table of steps and roles is `workflow_steps.py`; what a proposal posts is its lane's (`workflow_merchant`,
`workflow_matching`, `workflow_banking`), computed when it is proposed, shown, and once more when it is
approved: a posting that no longer fits the facts is refused. The approval posts in its own transaction.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.domain.audit import Act, append
from app.domain.configuration import Platform
from app.domain.decision import Draft, Leg, Refused
from app.domain.mismatch import Mismatch, MismatchStatus
from app.domain.mismatch_events import MismatchChanged, MismatchResolved
from app.domain.mismatch_keeping import concerned, fingerprint, keep, mismatch_ref, reopen_resolved
from app.domain.mismatches import at_stake, book_rates
from app.domain.severity import in_book_currency
from app.domain.state import PLATFORM, Ref
from app.domain.workflow_records import (
    MismatchAction,
    MismatchApprove,
    MismatchAssign,
    MismatchComment,
    MismatchHandBack,
    MismatchInvestigate,
    MismatchPropose,
    MismatchReject,
    MismatchReopen,
)
from app.domain.workflow_state import MatchTarget, Proposal, ProposalKind, Resolution
from app.domain.workflow_steps import (
    require_assignee,
    require_other,
    require_own,
    require_step,
    require_within_limit,
)


def _nothing(draft: Draft, mismatch: Mismatch, target: MatchTarget | None) -> None:
    return None


class Books(NamedTuple):
    """What a lane knows about its mismatches.

    `posting`: the legs of a proposal of this kind, none where nothing has to be posted; raises Refused where
    this kind does not fit. `matched`, `unmatched`: carry out a force_match, and undo it.
    """

    posting: Callable[[Draft, Mismatch, ProposalKind, MatchTarget | None], tuple[Leg, ...]]
    matched: Callable[[Draft, Mismatch, MatchTarget | None], None] = _nothing
    unmatched: Callable[[Draft, Mismatch, MatchTarget | None], None] = _nothing


def act(draft: Draft, command: MismatchAction, books: Books) -> None:
    """Take one step of the workflow, with its audit entry and event. Raises Refused."""
    mismatch: Mismatch | None = draft.get(mismatch_ref(command.mismatch_id))
    if mismatch is None or mismatch.owner_key != command.owner_key:
        raise Refused("unknown_mismatch", f"there is no mismatch {command.mismatch_id!r} here")
    require_step(command, mismatch)
    _RULES[type(command)](draft, command, mismatch, books)


def prefetch(command: MismatchAction) -> tuple[Ref, ...]:
    return (PLATFORM, mismatch_ref(command.mismatch_id))


def _assign(draft: Draft, command: MismatchAssign, mismatch: Mismatch, books: Books) -> None:
    require_own(command, mismatch)
    if (mismatch.status, mismatch.assignee) == ("assigned", command.assignee):
        raise Refused("already_assigned", f"{command.assignee} has it")
    after = replace(mismatch, status="assigned", assignee=command.assignee)
    _keep(draft, command, mismatch, after, note=command.note)


def _hand_back(draft: Draft, command: MismatchHandBack, mismatch: Mismatch, books: Books) -> None:
    require_own(command, mismatch)
    _keep(draft, command, mismatch, replace(mismatch, status="open", assignee=None), note=command.note)


def _investigate(draft: Draft, command: MismatchInvestigate, mismatch: Mismatch, books: Books) -> None:
    require_assignee(command, mismatch)
    _keep(draft, command, mismatch, replace(mismatch, status="investigating"), note=command.note)


def _comment(draft: Draft, command: MismatchComment, mismatch: Mismatch, books: Books) -> None:
    _keep(draft, command, mismatch, mismatch, note=command.note)


def _propose(draft: Draft, command: MismatchPropose, mismatch: Mismatch, books: Books) -> None:
    require_assignee(command, mismatch)
    legs = books.posting(draft, mismatch, command.kind, command.target)
    rates = book_rates(draft)
    proposal = Proposal(
        id=command.id,
        kind=command.kind,
        by=command.actor,
        role=command.role,
        at=draft.now,
        reason_code=command.reason_code,
        note=command.note,
        legs=legs,
        target=command.target,
        evidence=fingerprint(mismatch),
        book_amount=_in_book(draft, mismatch, legs),
        book_currency=rates.currency,
    )
    after = replace(mismatch, status="pending_approval", proposal=proposal)
    _keep(draft, command, mismatch, after, note=command.note, reason_code=command.reason_code)


def _approve(draft: Draft, command: MismatchApprove, mismatch: Mismatch, books: Books) -> None:
    proposal = _proposal_of(mismatch)
    platform: Platform | None = draft.get(PLATFORM)
    require_other(command, mismatch)
    if command.proposal_id not in (None, proposal.id):
        raise Refused("proposal_changed", "another proposal stands by now")
    require_within_limit(command, mismatch, platform)
    _require_fitting(draft, mismatch, proposal, books)
    posted = None
    if proposal.legs:
        kind = f"resolution.{proposal.kind}"
        posted = draft.post(kind, proposal.legs, draft.now, mismatch.merchant_id, mismatch.payment_id)
    resolution = Resolution(proposal=proposal, approver=command.actor, at=draft.now, transaction_id=posted)
    status: MismatchStatus = "written_off" if proposal.kind == "write_off" else "resolved"
    after = replace(mismatch, status=status, proposal=None, resolution=resolution)
    entry = _act(command, note=command.note, reason_code=proposal.reason_code)
    entry = replace(entry, approver=command.actor, transaction_id=posted)
    keep(draft, append(draft, mismatch, after, entry), MismatchResolved, tell=concerned(mismatch))
    if proposal.kind == "force_match":
        books.matched(draft, after, proposal.target)


def _reject(draft: Draft, command: MismatchReject, mismatch: Mismatch, books: Books) -> None:
    after = replace(mismatch, status="investigating", proposal=None)
    _keep(draft, command, mismatch, after, note=command.note)


def _reopen(draft: Draft, command: MismatchReopen, mismatch: Mismatch, books: Books) -> None:
    resolution = mismatch.resolution
    assignee = command.assignee or mismatch.assignee or command.actor
    again = replace(mismatch, assignee=assignee)
    reopen_resolved(draft, mismatch, again, _act(command, note=command.note))
    if resolution is not None and resolution.proposal.kind == "force_match":
        books.unmatched(draft, mismatch, resolution.proposal.target)


def _proposal_of(mismatch: Mismatch) -> Proposal:
    if mismatch.proposal is None:
        raise Refused("wrong_status", "nothing is proposed")
    return mismatch.proposal


def _require_fitting(draft: Draft, mismatch: Mismatch, proposal: Proposal, books: Books) -> None:
    """Raises Refused `facts_changed` where it was proposed on other facts, or would be posted otherwise."""
    if proposal.evidence != fingerprint(mismatch):
        raise Refused("facts_changed", "the evidence is not what the proposal was made on: reject it")
    legs = books.posting(draft, mismatch, proposal.kind, proposal.target)
    if legs != proposal.legs:
        raise Refused("facts_changed", "the books are not what the proposal was made on: reject it")


def _in_book(draft: Draft, mismatch: Mismatch, legs: tuple[Leg, ...]) -> int | None:
    """What is at stake: the difference, or what is posted where that is more. None without a stored rate."""
    rates = book_rates(draft)
    amounts: dict[str | None, int] = {}
    for leg in legs:
        amounts[leg.currency] = max(leg.amount, amounts.get(leg.currency, 0))
    stake = at_stake(mismatch.category, mismatch.expected_amount, mismatch.actual_amount)
    amounts[mismatch.currency] = max(stake, amounts.get(mismatch.currency, 0))
    if any(currency not in (None, rates.currency, *rates.rates) for currency in amounts):
        return None
    return max(in_book_currency(amount, currency, rates).amount for currency, amount in amounts.items())


def _keep(draft: Draft, command: MismatchAction, before: Mismatch, after: Mismatch, **said: Any) -> None:
    told = tuple(name for name in concerned(before) if name != command.actor)
    keep(draft, append(draft, before, after, _act(command, **said)), MismatchChanged, tell=told)


def _act(command: MismatchAction, note: str | None, reason_code: str | None = None) -> Act:
    return Act(
        action=type(command).__struct_config__.tag.removeprefix("mismatch."),  # type: ignore[union-attr]
        actor=command.actor,
        role=command.role,
        reason_code=reason_code,
        note=note,
        request_id=command.id,
        source_address=command.source_address,
    )


_RULES: Final[dict[type[MismatchAction], Callable[[Draft, Any, Mismatch, Books], None]]] = {
    MismatchAssign: _assign,
    MismatchHandBack: _hand_back,
    MismatchInvestigate: _investigate,
    MismatchPropose: _propose,
    MismatchApprove: _approve,
    MismatchReject: _reject,
    MismatchComment: _comment,
    MismatchReopen: _reopen,
}
