"""Brings the books of a settlement line up to what it must have posted: differences and reversals."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from app.domain.accounts import CREDIT, DEBIT
from app.domain.calendar import start_of_day
from app.domain.decision import Draft, Leg
from app.domain.matching import Amount, HeldLine, Item, Posting
from app.domain.pairing import Roles
from app.domain.settlement import ExpectationAnnounced
from app.domain.settlement_postings import Amounts, add, targets, unapplied_line


def posted(line: HeldLine) -> Amounts:
    """What the line's postings in force add up to."""
    amounts: Amounts = {}
    for posting in line.postings:
        for amount in posting.amounts:
            add(amounts, amount.account, amount.currency, amount.debit)
    return amounts


def difference(wanted: Amounts, present: Amounts) -> tuple[Amount, ...]:
    """What must still be posted, without the zeros, in a fixed order."""
    changes = dict(wanted)
    for (account, currency), debit in present.items():
        add(changes, account, currency, -debit)
    return tuple(
        Amount(account, currency, debit) for (account, currency), debit in sorted(changes.items()) if debit
    )


def legs(amounts: Iterable[Amount]) -> tuple[Leg, ...]:
    return tuple(Leg(a.account, DEBIT if a.debit > 0 else CREDIT, abs(a.debit), a.currency) for a in amounts)


def keep_books(draft: Draft, item: Item, split: Roles, gross_tolerance: int) -> Item:
    """Bring the postings of every line held here to what its role demands.

    A guest is in the books of its home as unapplied already; here stands what its pairing changes.
    """
    wanted = targets(item, split, gross_tolerance)
    if item.lines:
        lines = [bring_up_to_date(draft, item, line, _wanted_of(item, line, wanted)) for line in item.lines]
        item = replace(item, lines=tuple(lines))
    if item.away:
        away = [bring_up_to_date(draft, item, line, unapplied_line(line.record)) for line in item.away]
        item = replace(item, away=tuple(away))
    return item


def _wanted_of(item: Item, line: HeldLine, wanted: dict[str, Amounts]) -> Amounts:
    if line.guest_of is None:
        return wanted[line.record.id]
    if item.expectation is None:
        return {}
    amounts = dict(wanted[line.record.id])
    for (account, currency), debit in unapplied_line(line.record).items():
        add(amounts, account, currency, -debit)
    return amounts


def bring_up_to_date(draft: Draft, item: Item, line: HeldLine, wanted: Amounts, kind: str = "") -> HeldLine:
    """Post what a line still lacks; returns it with the new posting, or unchanged where nothing lacks."""
    change = difference(wanted, posted(line))
    if not change:
        return line
    expectation = item.expectation
    transaction_id = draft.post(
        kind or ("settlement.reclassified" if line.postings or line.guest_of else "settlement.line"),
        legs(change),
        _occurred_at(line, expectation),
        expectation.merchant_id if expectation else None,
        expectation.payment_id if expectation else None,
    )
    return replace(line, postings=(*line.postings, Posting(transaction_id, change)))


def reverse(draft: Draft, line: HeldLine, item: Item) -> HeldLine:
    """Take back everything the line has posted, each transaction by a reversal that names it."""
    expectation = item.expectation
    for posting in line.postings:
        draft.post(
            "settlement.reversed",
            legs(Amount(a.account, a.currency, -a.debit) for a in posting.amounts),
            start_of_day(line.record.booked_on),
            expectation.merchant_id if expectation else None,
            expectation.payment_id if expectation else None,
            reverses=posting.transaction_id,
        )
    return replace(line, postings=())


def _occurred_at(line: HeldLine, expectation: ExpectationAnnounced | None) -> datetime:
    """A line counts from its booking date; what its pairing changes, not before the object itself."""
    booked = start_of_day(line.record.booked_on)
    if (line.postings or line.guest_of) and expectation is not None:
        return max(booked, expectation.occurred_at)
    return booked
