"""What goes to the open partition: a line or expectation whose window has closed and that no identity paired.

It leaves again as soon as an identity pairs it, so an identity's pair always displaces one by amount.
"""

from typing import Final

from msgspec.structs import replace

from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.matching import HeldLine, Item
from app.domain.matching_records import OpenEntered, OpenEntry, OpenLeft, Verdict, open_key
from app.domain.routing import sharing
from app.domain.settlement import ExpectationAnnounced
from app.domain.streams import MATCHING_COMMANDS
from app.domain.windows import calendar_of, last_day, psp_of, settlement_day_of

ALONE: Final = Verdict()
"""Where a PSP's leftovers are not compared at all."""


def keep_leftovers(draft: Draft, platform: Platform | None, item: Item) -> Item:
    """Enter what is left over, take back what no longer is."""
    if not (item.settlement_closed or item.payment_closed or item.entered):
        return item
    psp = psp_of(platform, item.psp)
    compared = psp is None or psp.match_by_amount
    for held in (*item.own_lines, *item.away):
        kept = _keep_line(draft, item, held, compared)
        if kept is not held:
            item = item.with_away(kept) if kept.sent_to else item.with_line(kept)
    return _keep_expectation(draft, platform, item, compared)


def leave(draft: Draft, entry: OpenEntry | None) -> None:
    if entry is not None:
        record = OpenLeft(id=draft.next_id(), entry=entry)
        draft.send(MATCHING_COMMANDS, open_key(entry.psp, entry.currency), record)


def _enter(draft: Draft, entry: OpenEntry) -> None:
    record = OpenEntered(id=draft.next_id(), entry=entry)
    draft.send(MATCHING_COMMANDS, open_key(entry.psp, entry.currency), record)


def _keep_line(draft: Draft, item: Item, held: HeldLine, compared: bool) -> HeldLine:
    shared = sharing(item, held)
    left_over = item.payment_closed and item.expectation is None and len(shared) != 1 and held.forced is None
    entry = _entry_of_line(item, held, tuple([c.subject for c in shared])) if left_over and compared else None
    verdict = held.verdict if left_over else None
    if left_over and not compared:
        verdict = ALONE
    if entry == held.entered:
        return held if verdict == held.verdict else replace(held, verdict=verdict)
    leave(draft, held.entered)
    if entry is not None:
        _enter(draft, entry)
    return replace(held, entered=entry, verdict=verdict)


def _entry_of_line(item: Item, held: HeldLine, among: tuple[str, ...]) -> OpenEntry:
    line = held.record
    return OpenEntry(
        side="line",
        subject=line.id,
        psp=item.psp,
        home=item.identity,
        kind=item.kind,
        currency=line.currency,
        gross=line.gross,
        day=line.booked_on,
        has_id=line.psp_payment_id is not None,
        has_ref=line.merchant_ref is not None,
        among=among,
    )


def _keep_expectation(draft: Draft, platform: Platform | None, item: Item, compared: bool) -> Item:
    expected = item.expectation
    paired = any(held.rule == "A1" for held in item.lines)
    left_over = expected is not None and item.settlement_closed and not paired
    entry = None
    if expected is not None and left_over and compared:
        entry = _entry_of_expectation(platform, item, expected)
    verdict = item.verdict if left_over else None
    if left_over and not compared:
        verdict = ALONE
    if entry == item.entered:
        return item if verdict == item.verdict else replace(item, verdict=verdict)
    leave(draft, item.entered)
    if entry is not None:
        _enter(draft, entry)
    return replace(item, entered=entry, verdict=verdict)


def _entry_of_expectation(platform: Platform | None, item: Item, expected: ExpectationAnnounced) -> OpenEntry:
    calendar = calendar_of(platform, item.psp)
    candidate = item.here
    assert candidate is not None
    return OpenEntry(
        side="expectation",
        subject=candidate.subject,
        psp=item.psp,
        home=item.identity,
        kind=item.kind,
        currency=expected.currency,
        gross=expected.gross,
        day=settlement_day_of(calendar, expected.occurred_at),
        until=last_day(calendar, expected.occurred_at),
        candidate=candidate,
        has_id=expected.home is None,
        has_ref=expected.has_reference,
    )
