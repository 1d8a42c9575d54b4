"""The table of the exception workflow: which action may be taken from which status, and by which roles.

What the engine does is not here: it opens, and resolves from any open state (`mismatches.py`).
"""

from typing import Final, NamedTuple

from app.domain.configuration import Platform
from app.domain.decision import Refused
from app.domain.mismatch import OPEN_STATUSES, Mismatch
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

WORKERS: Final = frozenset({"analyst", "approver", "lead", "admin"})
APPROVERS: Final = frozenset({"approver", "lead", "admin"})
LEADS: Final = frozenset({"lead", "admin"})
RESOLVED: Final = frozenset({"resolved", "auto_resolved", "written_off"})
ANY: Final = frozenset(OPEN_STATUSES) | RESOLVED

DEFAULT_LIMITS: Final[dict[str, int | None]] = {"approver": 1_000_000, "lead": None, "admin": None}
"""What a role may approve where the platform says nothing; minor units of book currency, None: anything."""


class Step(NamedTuple):
    statuses: frozenset[str]
    roles: frozenset[str]


STEPS: Final[dict[type[MismatchAction], Step]] = {
    MismatchAssign: Step(frozenset({"open", "assigned", "investigating"}), WORKERS),
    MismatchHandBack: Step(frozenset({"assigned", "investigating"}), WORKERS),
    MismatchInvestigate: Step(frozenset({"assigned"}), WORKERS),
    MismatchPropose: Step(frozenset({"investigating"}), WORKERS),
    MismatchApprove: Step(frozenset({"pending_approval"}), APPROVERS),
    MismatchReject: Step(frozenset({"pending_approval"}), APPROVERS),
    MismatchComment: Step(ANY, WORKERS),
    MismatchReopen: Step(RESOLVED, LEADS),
}


def require_step(command: MismatchAction, mismatch: Mismatch) -> None:
    """Raises Refused `role_not_allowed` or `wrong_status`."""
    step = STEPS[type(command)]
    if command.role not in step.roles:
        raise Refused("role_not_allowed", f"needs one of {', '.join(sorted(step.roles))}, not {command.role}")
    if mismatch.status not in step.statuses:
        raise Refused("wrong_status", f"it is {mismatch.status}, not {' or '.join(sorted(step.statuses))}")


def require_own(command: MismatchAction, mismatch: Mismatch) -> None:
    """Work in hand is its assignee's; a lead may step in. Raises Refused `not_assignee`."""
    if mismatch.assignee not in (None, command.actor) and command.role not in LEADS:
        raise Refused("not_assignee", f"it is assigned to {mismatch.assignee}")


def require_assignee(command: MismatchAction, mismatch: Mismatch) -> None:
    """Raises Refused `not_assignee`."""
    if mismatch.assignee != command.actor:
        raise Refused("not_assignee", f"it is assigned to {mismatch.assignee}")


def require_other(command: MismatchApprove, mismatch: Mismatch) -> None:
    """Four eyes. Raises Refused `four_eyes`."""
    if mismatch.proposal is not None and mismatch.proposal.by == command.actor:
        raise Refused("four_eyes", "who proposed it may not approve it")


def limit_of(platform: Platform | None, role: str) -> int | None:
    limits = DEFAULT_LIMITS | (dict(platform.approval_limits) if platform is not None else {})
    return limits.get(role, 0)


def require_within_limit(command: MismatchApprove, mismatch: Mismatch, platform: Platform | None) -> None:
    """Raises Refused `over_limit`; what no stored rate can compare is above every limit."""
    limit, proposal = limit_of(platform, command.role), mismatch.proposal
    if limit is None or proposal is None:
        return
    if proposal.book_amount is None:
        raise Refused("over_limit", f"no rate into {proposal.book_currency} is stored: only without a limit")
    if proposal.book_amount > limit:
        amount = f"{proposal.book_amount} minor units of {proposal.book_currency}"
        raise Refused("over_limit", f"{amount} are above {command.role}'s limit of {limit}")
