"""Rules 2 and 3 of the bank's side: what no name pairs is compared by amount and date.

A verdict is a function of the sorted open set, whatever the order in which it came. A line and a counterpart
are paired (2) where each is the other's only candidate. Where no single one fits, 2 to 8 together may (3):
exactly one such set is proposed to people. Of several nobody guesses.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from app.domain.bank_documents import OpenEntry, OpenVerdict
from app.domain.calendar import add_business_days
from app.domain.covering_sets import Open, covering_set

LINE_PREFIX = "line:"
DAYS = 5
"""Business days between a bank line and what it pays, either way."""
MOST_NAMED = 8


class Sides(NamedTuple):
    """The open set: bank lines, and what they may pay, each by (day, subject)."""

    lines: Sequence[OpenEntry]
    others: Sequence[OpenEntry]


def verdicts(entries: Iterable[OpenEntry]) -> dict[str, OpenVerdict]:
    """Subject -> what follows for it from the whole set."""
    ordered = sorted(entries, key=lambda entry: (entry.day, entry.subject))
    sides = Sides(
        [entry for entry in ordered if entry.subject.startswith(LINE_PREFIX)],
        [entry for entry in ordered if not entry.subject.startswith(LINE_PREFIX)],
    )
    found = _singles(sides)
    free = [other for other in sides.others if other.subject not in found]
    covers = {
        line.subject: _cover(line, free) for line in sides.lines if line.subject not in found and line.amount
    }
    return found | _sets(covers) | _rest(sides, found, covers)


def _singles(sides: Sides) -> dict[str, OpenVerdict]:
    """Where at least one candidate fits alone."""
    by_amount = sorted(sides.lines, key=lambda line: (line.amount, line.subject))
    amounts = [line.amount for line in by_amount]
    lines_of: dict[str, list[str]] = {}
    others_of: dict[str, list[str]] = defaultdict(list)
    for other in sides.others:
        start = bisect_left(amounts, other.amount - other.tolerance)
        end = bisect_right(amounts, other.amount + other.tolerance)
        own = sorted(line.subject for line in by_amount[start:end] if is_near(line, other))
        lines_of[other.subject] = own
        for subject in own:
            others_of[subject].append(other.subject)
    return _mutual(lines_of, others_of)


def _mutual(
    lines_of: Mapping[str, Sequence[str]], others_of: Mapping[str, Sequence[str]]
) -> dict[str, OpenVerdict]:
    found: dict[str, OpenVerdict] = {}
    for one_side, other_side in ((lines_of, others_of), (others_of, lines_of)):
        for subject, candidates in one_side.items():
            if candidates:
                alone = len(candidates) == 1 and len(other_side[candidates[0]]) == 1
                named = tuple(sorted(candidates)[:MOST_NAMED])
                found[subject] = OpenVerdict(rule="2" if alone else "ambiguous", candidates=named)
    return found


def is_near(line: OpenEntry, other: OpenEntry) -> bool:
    """Within the business days, and the same way."""
    if line.amount * other.amount <= 0:
        return False
    return _same_time(line, other)


def _cover(line: OpenEntry, free: Sequence[OpenEntry]) -> OpenVerdict:
    """Sets of what no single line fits. Batches that take money (refunds) may be among them."""
    near = [other for other in free if _same_time(line, other)]
    cover = covering_set(line.amount, [Open(other.subject, other.amount) for other in near])
    if not cover.whole:
        reason = f"{len(near)} are open around it: too many to look for a set that sums to it"
        return OpenVerdict(reasons=(reason,))
    if cover.ways == 1:
        return OpenVerdict(rule="3", candidates=tuple(sorted(cover.subjects)))
    if cover.ways > 1:
        return OpenVerdict(rule="ambiguous", reasons=("more than one set of open batches sums to it",))
    return OpenVerdict()


def _same_time(line: OpenEntry, other: OpenEntry) -> bool:
    first, last = sorted((line.day, other.day))
    return last <= add_business_days(first, DAYS)


def _sets(covers: Mapping[str, OpenVerdict]) -> dict[str, OpenVerdict]:
    """A set that shares a member with another line's is no more than one of several ways."""
    users: dict[str, list[str]] = defaultdict(list)
    for line, verdict in covers.items():
        for subject in verdict.candidates:
            users[subject].append(line)
    found: dict[str, OpenVerdict] = {}
    for line, verdict in covers.items():
        shared = any(len(users[subject]) > 1 for subject in verdict.candidates)
        reason = "another bank line could take some of them"
        found[line] = (
            OpenVerdict(rule="ambiguous", candidates=verdict.candidates, reasons=(reason,))
            if shared
            else verdict
        )
    return found


def _rest(
    sides: Sides, found: Mapping[str, OpenVerdict], covers: Mapping[str, OpenVerdict]
) -> dict[str, OpenVerdict]:
    """Batches that no line fits alone: what they are proposed for, or nothing."""
    proposed: dict[str, list[str]] = defaultdict(list)
    for line, verdict in covers.items():
        for subject in verdict.candidates:
            proposed[subject].append(line)
    rest = {
        line.subject: OpenVerdict()
        for line in sides.lines
        if line.subject not in found and line.subject not in covers
    }
    for other in sides.others:
        if other.subject not in found:
            lines = tuple(sorted(proposed.get(other.subject, ()))[:MOST_NAMED])
            rule = "" if not lines else "3" if len(lines) == 1 else "ambiguous"
            rest[other.subject] = OpenVerdict(rule=rule, candidates=lines)  # type: ignore[arg-type]
    return rest
