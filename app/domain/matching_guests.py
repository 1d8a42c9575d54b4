"""Lines that come to an expectation's home, or leave it; what a line hears of its second identity."""

from msgspec.structs import replace

from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.line_books import bring_up_to_date, reverse
from app.domain.matching import HeldLine, Item
from app.domain.matching_records import LineAssigned, LineMet, LineUnassigned


def seat(draft: Draft, item: Item, command: LineAssigned) -> Item:
    """A guest, or its correction: what the old content posted here is reversed."""
    held = item.find(command.line.id)
    if held is None:
        return item.with_line(HeldLine(record=command.line, guest_of=command.home, rule=command.rule))
    if held.record == command.line and held.rule == command.rule:
        raise Duplicate
    if held.record != command.line:
        held = reverse(draft, held, item)
        held = replace(held, record=command.line, earlier=(*held.earlier, held.record))
    return item.with_line(replace(held, rule=command.rule, guest_of=command.home))


def unseat(draft: Draft, item: Item, command: LineUnassigned) -> Item:
    """It goes back to its home; here the books are as if it had never come."""
    held = item.find(command.line)
    if held is None or held.guest_of is None:
        raise Ignored("this line is no guest here")
    bring_up_to_date(draft, item, held, {})
    return item.without_line(command.line)


def meet(item: Item, command: LineMet) -> Item:
    held = item.find(command.line)
    if held is None or held.guest_of is not None:
        raise Ignored("this line is not at home here any more")
    if command.place not in (None, held.pointed):
        raise Ignored("this line has another reference by now")
    if held.met == command.candidates:
        raise Duplicate
    kept = replace(held, met=command.candidates)
    return item.with_away(kept) if kept.sent_to else item.with_line(kept)
