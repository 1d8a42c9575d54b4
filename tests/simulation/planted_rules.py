"""Bugs planted in the rules: what one lane forgets to tell another, or believes too long.

The replay has the same bug and agrees with the lanes; only what is left behind shows it: homes that disagree,
sums that are not those of the lines, another order of the same facts that ends otherwise (`rest.py`,
`order.py`).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from app.domain import (
    bank_line_records,
    directory,
    leftovers,
    matching_guests,
    matching_lane,
    open_set,
    routing,
    settling,
    verdicts,
)
from tests.simulation.plant import Plant, patching

_tell_visitors = routing.tell_visitors
_move_pointers = routing.move_pointers
_forward_facts = directory.forward_facts
_tell_merchant = verdicts.tell_merchant


def _tell_newcomers_only(draft: Any, before: Any, item: Any) -> None:
    """A line hears whom its second identity knows when it asks, and no more of it."""
    if before is None or item.visitors.keys() - before.visitors.keys():
        _tell_visitors(draft, before, item)


def _leave_pointers(draft: Any, old: Any, new: Any, candidate: Any) -> None:
    """An expectation that is withdrawn stays known under its further identities."""
    if new is not None:
        _move_pointers(draft, old, new, candidate)


def _believe_any_verdict(item: Any, command: Any) -> Any:
    """The open partition's answer counts also where the entry has left meanwhile."""
    if command.side == "expectation":
        return replace(item, verdict=command.verdict)
    held = item.find(command.subject)
    if held is None:
        return item
    kept = replace(held, verdict=command.verdict)
    return item.with_away(kept) if kept.sent_to else item.with_line(kept)


def _nothing(*_: Any, **__: Any) -> None:
    """What should have been sent is not."""


def _tell_the_entry_alone(rows: Any, changed: Any, tolerance: int) -> tuple[Any, ...]:
    """Who lay there before is not told that somebody has come or gone."""
    return tuple(lying.entry for lying in changed[-1:] if rows.find(lying.entry) is not None)


def _forward_one(draft: Any, item: Any) -> Any:
    """Of several facts that waited for their payment, one is sent on."""
    sent = _forward_facts(draft, replace(item, facts=item.facts[:1]))
    return sent if item.facts and not sent.facts else item


def _tell_good_news_only(draft: Any, item: Any, complete: bool) -> Any:
    """The merchant lane does not hear that an object is settled no longer."""
    return _tell_merchant(draft, item, complete) if complete else replace(item, matched=False)


def _correct_without_reversal(draft: Any, line: Any) -> Any:
    """A bank line's first content stays in the books beside the second."""
    return replace(line, postings=())


def _rules(name: str, *replaced: tuple[Any, str, Any]) -> Plant:
    return Plant(name, patched=patching(*replaced), in_rules=True)


PLANTED_IN_RULES: Final = (
    _rules("line_met_lost", (settling, "tell_visitors", _tell_newcomers_only)),
    _rules("pointer_not_withdrawn", (matching_lane, "move_pointers", _leave_pointers)),
    _rules("verdict_of_a_left_entry", (matching_lane, "with_verdict", _believe_any_verdict)),
    _rules("line_unassigned_not_sent", (routing, "take_back", _nothing)),
    _rules("entry_never_left", (leftovers, "leave", _nothing)),
    _rules("neighbours_not_told", (open_set, "_affected", _tell_the_entry_alone)),
    _rules("guest_leaves_its_books", (matching_guests, "bring_up_to_date", _nothing)),
    _rules("one_waiting_fact_forwarded", (settling, "forward_facts", _forward_one)),
    _rules("unmatched_not_told", (settling, "tell_merchant", _tell_good_news_only)),
    _rules("bank_line_not_reversed", (bank_line_records, "reverse_line", _correct_without_reversal)),
)
