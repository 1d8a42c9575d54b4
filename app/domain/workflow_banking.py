"""What people's proposals post in the banking lane."""

from typing import Final

from app.domain.decision import Draft, Leg, Refused
from app.domain.mismatch import Mismatch
from app.domain.workflow import Books
from app.domain.workflow_state import MatchTarget, ProposalKind


def posting(
    draft: Draft, mismatch: Mismatch, kind: ProposalKind, target: MatchTarget | None
) -> tuple[Leg, ...]:
    if kind == "ignore":
        return ()
    raise Refused("kind_not_possible", f"{kind} does not resolve {mismatch.category}")


BOOKS: Final = Books(posting)
