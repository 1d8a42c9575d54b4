"""What resolving a mismatch posts: an amount that stands open on one account is moved to where it belongs.

`settled more than expected, approved`, `settled less`, `write-off`, `accepted as a fee` of the accounting
rules are all this. Kinds without a place to move it to (`ignore`, `force_match`) post nothing.
"""

from typing import Final, NamedTuple

from app.domain.accounts import CREDIT, DEBIT
from app.domain.decision import Leg, Refused
from app.domain.settlement_postings import FEE_VARIANCE, UNAPPLIED
from app.domain.workflow_state import ProposalKind

SUSPENSE: Final = "suspense"
WRITE_OFF: Final = "write_off"


class Standing(NamedTuple):
    """What is open on an account: signed minor units, positive for debit."""

    account: str
    currency: str
    debit: int


def clear(standing: Standing, kind: ProposalKind) -> tuple[Leg, ...]:
    """The legs that bring what stands open to zero. Raises Refused `nothing_to_post` where it is zero."""
    if not standing.debit:
        raise Refused("nothing_to_post", f"nothing stands open on {standing.account}: ignore it, or wait")
    legs: list[Leg] = []
    account = standing.account
    for following in _way(standing, kind):
        legs += _move(account, following, standing)
        account = following
    return tuple(legs)


def _way(standing: Standing, kind: ProposalKind) -> tuple[str, ...]:
    """Through which accounts it goes. What came too much is kept aside for whoever it belongs to."""
    aside = SUSPENSE if standing.debit > 0 or standing.account == UNAPPLIED else UNAPPLIED
    if kind == "accept_as_fee":
        return (FEE_VARIANCE,)
    return (aside, WRITE_OFF) if kind == "write_off" else (aside,)


def _move(source: str, target: str, standing: Standing) -> tuple[Leg, Leg]:
    amount, currency = abs(standing.debit), standing.currency
    debited, credited = (target, source) if standing.debit > 0 else (source, target)
    return Leg(debited, DEBIT, amount, currency), Leg(credited, CREDIT, amount, currency)
