"""Where a line belongs: its home asks the places of its identities, chooses, and sends it to the expectation.

Rule 0: who shares an identity is paired whatever the amounts, the stronger identity first. An identity that
several expectations share pairs nobody; then amounts and dates decide, once the windows have closed (A2).
"""

from typing import Literal, NamedTuple

from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.matching import HeldLine, Item, further_identities, home, second_identity
from app.domain.matching_records import (
    Candidate,
    ExpectationPointed,
    ExpectationUnpointed,
    LineAssigned,
    LineMet,
    LinePointed,
    LineUnassigned,
    LineUnpointed,
)
from app.domain.settlement import ExpectationAnnounced
from app.domain.streams import MATCHING_COMMANDS

Rule = Literal["A1", "A2"]


class Place(NamedTuple):
    """Where a line belongs. `candidate` None: nowhere but here."""

    candidate: Candidate | None
    rule: Rule = "A1"


def sharing(item: Item, held: HeldLine) -> tuple[Candidate, ...]:
    """The expectations that share a line's identity: one is its own, several are told apart by nothing.

    Of the strongest identity that anybody has; the other one narrows it down. What another place still says
    of this home's own expectation is late: this home knows best whether there is one.
    """
    first = item.candidates
    second = tuple([met for met in held.met if met == item.here or met.home != item.identity])
    if not first or not second:
        return first or second
    return tuple([candidate for candidate in first if candidate in second]) or first


def place_of(item: Item, held: HeldLine, compared: bool) -> Place:
    if item.expectation is not None:
        return Place(None)
    if held.forced is not None:
        return Place(held.forced)
    shared = sharing(item, held)
    if len(shared) == 1:
        return Place(shared[0])
    verdict = held.verdict
    if compared and verdict is not None and verdict.rule == "A2":
        return Place(verdict.candidates[0], "A2")
    return Place(None)


def route(draft: Draft, item: Item, references: bool, compared: bool) -> Item:
    """Bring each line of this home to where it belongs now.

    `references`: whether its PSP's lines name second identities; `compared`: whether amounts count (A2).
    """
    if item.expectation is not None and not item.away:
        return item
    for held in (*item.own_lines, *item.away):
        moved = _move(draft, item, held, place_of(item, held, compared))
        if references:
            moved = _point(draft, item, moved)
        if moved is not held:
            rest = item.without_line(held.record.id)
            item = rest.with_away(moved) if moved.sent_to else rest.with_line(moved)
    return item


def _move(draft: Draft, item: Item, held: HeldLine, place: Place) -> HeldLine:
    if place.candidate == held.sent_to and (place.candidate is None or place.rule == held.rule):
        return held
    if held.sent_to is not None and (place.candidate is None or place.candidate.home != held.sent_to.home):
        take_back(draft, item, held)
    moved = replace(held, sent_to=place.candidate, rule=place.rule)
    if place.candidate is not None:
        assign(draft, item, moved, place.candidate)
    return moved


def assign(draft: Draft, item: Item, held: HeldLine, candidate: Candidate) -> None:
    """Send the line, or what it has become, to the expectation's home."""
    record = LineAssigned(
        id=draft.next_id(),
        psp=item.psp,
        identity=candidate.home,
        kind=item.kind,
        line=held.record,
        home=item.identity,
        rule="A2" if held.rule == "A2" else "A1",
    )
    draft.send(MATCHING_COMMANDS, home(item.psp, candidate.home), record)


def take_back(draft: Draft, item: Item, held: HeldLine) -> None:
    if held.sent_to is None:
        return
    identity = held.sent_to.home
    record = LineUnassigned(
        id=draft.next_id(), psp=item.psp, identity=identity, kind=item.kind, line=held.record.id
    )
    draft.send(MATCHING_COMMANDS, home(item.psp, identity), record)


def _point(draft: Draft, item: Item, held: HeldLine) -> HeldLine:
    """Ask the line's second identity, where the first one's expectation is not here."""
    identity = second_identity(held.record)
    if identity is None or held.pointed is not None or item.expectation is not None:
        return held
    record = LinePointed(
        id=draft.next_id(),
        psp=item.psp,
        identity=identity,
        kind=item.kind,
        line=held.record.id,
        home=item.identity,
        again=bool(held.earlier),
    )
    draft.send(MATCHING_COMMANDS, home(item.psp, identity), record)
    return replace(held, pointed=identity)


def unpoint(draft: Draft, item: Item, held: HeldLine) -> HeldLine:
    """Forget the second identity of a line, which is gone or names another one now."""
    if held.pointed is None:
        return held
    record = LineUnpointed(
        id=draft.next_id(), psp=item.psp, identity=held.pointed, kind=item.kind, line=held.record.id
    )
    draft.send(MATCHING_COMMANDS, home(item.psp, held.pointed), record)
    return replace(held, pointed=None, met=())


def tell_visitors(draft: Draft, before: Item | None, item: Item) -> None:
    """Tell the homes of the lines that point here whom they meet, as far as that has changed."""
    if not item.visitors:
        return
    known = before.visitors if before is not None else {}
    changed = item.candidates != (before.candidates if before is not None else ())
    for line, line_home in item.visitors.items():
        if changed or (line not in known and item.candidates):
            tell_visitor(draft, item, line, line_home)


def tell_visitor(draft: Draft, item: Item, line: str, line_home: str) -> None:
    record = LineMet(
        id=draft.next_id(),
        psp=item.psp,
        identity=line_home,
        kind=item.kind,
        line=line,
        candidates=item.candidates,
        place=item.identity,
    )
    draft.send(MATCHING_COMMANDS, home(item.psp, line_home), record)


def move_pointers(
    draft: Draft, old: ExpectationAnnounced | None, new: ExpectationAnnounced | None, candidate: Candidate
) -> None:
    """Leave pointers at an expectation's further identities, and take away those that it no longer has."""
    before = further_identities(old) if old is not None else ()
    after = further_identities(new) if new is not None else ()
    kept = new or old
    assert kept is not None
    psp, kind = kept.psp, kept.kind
    for identity in before:
        if identity not in after:
            gone = ExpectationUnpointed(
                id=draft.next_id(), psp=psp, identity=identity, kind=kind, candidate=candidate
            )
            draft.send(MATCHING_COMMANDS, home(psp, identity), gone)
    for identity in after:
        if identity not in before:
            there = ExpectationPointed(
                id=draft.next_id(), psp=psp, identity=identity, kind=kind, candidate=candidate
            )
            draft.send(MATCHING_COMMANDS, home(psp, identity), there)
