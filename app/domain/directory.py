"""The directory: whose payment a PSP's id is, and what a PSP said of payments that nobody knows yet.

It lies in the capture's item of that id: an expectation there, a pointer from a capture's own home, or a
claim the merchant lane made before any capture. A fact waits there until its payment is known.
"""

from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from app.domain.calendar import start_of_day
from app.domain.decision import Draft
from app.domain.matching import HeldLine, Item, home, line_identity, second_identity
from app.domain.psp_facts import PspFact, to_command
from app.domain.settlement import FactUnaddressed, LineKind, LineRecorded
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS

CAPTURE: Final[LineKind] = "capture"
CHARGEBACK: Final[LineKind] = "chargeback"
_OF_A_LINE = "line:"
_LONGEST = 190
"""Of a line's id that still fits an id of ours with the prefix."""


def owner_of(item: Item) -> tuple[str, str] | None:
    """(merchant, payment) that has this id; None where nobody has, or several do."""
    owners = {(candidate.merchant_id, candidate.payment_id) for candidate in item.candidates}
    if item.owner is not None:
        owners.add(item.owner)
    return owners.pop() if len(owners) == 1 else None


def forward_facts(draft: Draft, item: Item) -> Item:
    """Send what waits to the merchant, once it is known whose it is."""
    owner = owner_of(item) if item.facts else None
    if owner is None:
        return item
    merchant_id, payment_id = owner
    for waiting in item.facts:
        command = to_command(waiting.fact, waiting.id, merchant_id, payment_id)
        draft.send(PAYMENTS_COMMANDS, merchant_id, command)
    return replace(item, facts=())


def waiting_facts(item: Item) -> tuple[FactUnaddressed, ...]:
    """Facts that a PSP reported by itself; what a line reported is missed at the line's own home."""
    return tuple([waiting for waiting in item.facts if not waiting.id.startswith(_OF_A_LINE)])


def unreported(item: Item) -> tuple[HeldLine, ...]:
    """Chargebacks of this home that no dispute took and that no merchant was told of."""
    if item.kind != CHARGEBACK or item.expectation is not None:
        return ()
    return tuple([held for held in item.own_lines if not held.reported and held.record.gross < 0])


def report_chargeback(draft: Draft, line: LineRecorded) -> None:
    """A chargeback that no dispute announced is a dispute all the same: its payment's merchant is told.

    The line's first identity is asked, the reference beside it only where that one is nobody's
    (`ask_reference`): merchants count their orders alike, and one chargeback is one merchant's.
    """
    own = _OF_A_LINE + (line.id if len(line.id) < _LONGEST else sha256(line.id.encode()).hexdigest())
    identity = line_identity(line)
    fact = PspFact(
        kind="dispute_opened",
        psp=line.psp,
        psp_payment_id=identity,
        object_id=own,
        amount=-line.gross,
        currency=line.currency,
        fee=max(0, line.fee),
        occurred_at=start_of_day(line.booked_on),
        order_ref=second_identity(line),
    )
    record = FactUnaddressed(id=own, psp=line.psp, identity=identity, fact=fact)
    draft.send(MATCHING_COMMANDS, home(line.psp, identity), record)


def ask_reference(draft: Draft, item: Item, reported: FactUnaddressed) -> None:
    """Pass a line's chargeback, whose PSP's id is nobody's (or several's), on to the reference it names."""
    fact, reference = reported.fact, reported.fact.order_ref
    if not reported.id.startswith(_OF_A_LINE) or reference is None or owner_of(item) is not None:
        return
    named = replace(fact, psp_payment_id=reference, order_ref=None)
    record = replace(reported, identity=reference, fact=named)
    draft.send(MATCHING_COMMANDS, home(item.psp, reference), record)
