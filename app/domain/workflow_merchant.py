"""What people's proposals post in the merchant lane: what a merchant owes beyond its limit may be given up.

The other mismatches of a merchant's own books (a payment that looks like a duplicate, a status that
contradicts) need a person's word and no posting: what has to move is moved by a refund or a correction.
"""

from typing import Final

from app.domain import workflow
from app.domain.accounts import CREDIT, DEBIT
from app.domain.decision import Draft, Leg, Refused
from app.domain.guards import total_balance, watch_balance
from app.domain.mismatch import Mismatch
from app.domain.postings import available
from app.domain.workflow import Books
from app.domain.workflow_postings import SUSPENSE, WRITE_OFF
from app.domain.workflow_records import MismatchAction
from app.domain.workflow_state import MatchTarget, ProposalKind

SHORT: Final = frozenset({"NEGATIVE_BALANCE", "REFUND_EXCEEDS_CAPTURE"})
PLACES: Final[dict[ProposalKind, str]] = {"adjust": SUSPENSE, "write_off": WRITE_OFF}


def posting(
    draft: Draft, mismatch: Mismatch, kind: ProposalKind, target: MatchTarget | None
) -> tuple[Leg, ...]:
    if kind == "ignore" and mismatch.category != "NEGATIVE_BALANCE":
        return ()
    place = PLACES.get(kind)
    if place is None or mismatch.category not in SHORT or mismatch.merchant_id is None:
        raise Refused("kind_not_possible", f"{kind} does not resolve {mismatch.category}")
    missing = _missing(draft, mismatch)
    if missing <= 0 or mismatch.currency is None:
        raise Refused("nothing_to_post", "nothing is missing by now")
    return (
        Leg(place, DEBIT, missing, mismatch.currency),
        Leg(available(mismatch.merchant_id), CREDIT, missing, mismatch.currency),
    )


def _missing(draft: Draft, mismatch: Mismatch) -> int:
    """Minor units beyond the limit or the captures; a balance is looked at as it is now."""
    expected, actual = mismatch.expected_amount or 0, mismatch.actual_amount or 0
    if mismatch.category != "NEGATIVE_BALANCE":
        return actual - expected
    return expected - total_balance(draft, mismatch.merchant_id or "", mismatch.currency or "")


def act(draft: Draft, command: MismatchAction) -> None:
    workflow.act(draft, command, BOOKS)
    for merchant_id, currency in sorted(_touched(draft)):
        watch_balance(draft, merchant_id, currency)


def _touched(draft: Draft) -> set[tuple[str, str]]:
    entries = [entry for transaction in draft.transactions for entry in transaction.entries]
    return {(e.account.partition(":")[2], e.currency) for e in entries if e.account.startswith("m_")}


BOOKS: Final = Books(posting)
