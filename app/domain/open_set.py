"""Rules A2 and A3: what shares no identity is compared by amount and date, in one partition per currency.

An entry's verdict is a function of the set that lies here, whatever the order in which it came. A line and an
expectation are matched (A2) where each is the other's only candidate; where there are several, or one has
several, nothing is guessed: a person decides (A3).
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from app.domain.decision import Draft, Ignored
from app.domain.matching import home
from app.domain.matching_records import (
    MatchDecided,
    OpenEntered,
    OpenEntry,
    OpenLeft,
    Rejected,
    Verdict,
)
from app.domain.open_rows import Lying, OpenRows
from app.domain.streams import MATCHING_COMMANDS

MOST_NAMED: Final = 8
"""Candidates that a verdict names, the first by name; of a crowd nobody reads more."""
MOST_REJECTED: Final = 5


def decide(draft: Draft, command: OpenEntered | OpenLeft, tolerance: int) -> None:
    """Put an entry in or take it out, and tell every home whose verdict has changed by that."""
    rows, entry = OpenRows(draft), command.entry
    lying = rows.find(entry)
    changed = [] if lying is None else [lying]
    if isinstance(command, OpenLeft):
        if lying is None or lying.entry != entry:
            raise Ignored("this entry does not lie here")
        rows.remove(entry)
    else:
        changed.append(Lying(entry, tolerance=tolerance))
        rows.put(changed[-1])
    for other in _affected(rows, changed, tolerance):
        _tell(draft, rows, other, tolerance)
    rows.keep()


def _affected(rows: OpenRows, changed: Sequence[Lying], tolerance: int) -> tuple[OpenEntry, ...]:
    """What came, as far as it lies here, candidates of what came or went, and theirs.

    Nobody else's verdict can change. Candidates are those of now, and those of a wider tolerance before. One
    with so many others that one more or less makes no difference is left out.
    """
    found: dict[tuple[str, ...], OpenEntry] = {}
    for lying in changed:
        entry = lying.entry
        itself = rows.find(entry)
        if itself is not None:
            found[_name(itself.entry)] = itself.entry
        for other in candidates(rows, entry, max(tolerance, lying.tolerance)):
            if _is_crowded(other, entry):
                continue
            found[_name(other.entry)] = other.entry
            found |= {_name(third.entry): third.entry for third in _rivals(rows, other, tolerance)}
    return tuple([found[name] for name in sorted(found)])


def _rivals(rows: OpenRows, lying: Lying, tolerance: int) -> Sequence[Lying]:
    """Candidates of a candidate. Where there were three or more, all of them know already."""
    if lying.tolerance > tolerance:
        return candidates(rows, lying.entry, lying.tolerance)
    return candidates(rows, lying.entry, tolerance)[:2]


def _is_crowded(lying: Lying, entry: OpenEntry) -> bool:
    """What it was told names as many as are ever named, and `entry` would not be among them."""
    if lying.told is None:
        return False
    named = lying.told.lines or tuple([candidate.subject for candidate in lying.told.candidates])
    return len(named) == MOST_NAMED and entry.subject > named[-1]


def _name(entry: OpenEntry) -> tuple[str, ...]:
    """An object that was moved may lie here under both its homes for a moment."""
    return (entry.side, entry.subject, entry.home)


def candidates(rows: OpenRows, entry: OpenEntry, tolerance: int) -> Sequence[Lying]:
    """What may be the other side of `entry`, by name."""
    near = rows.facing(entry, tolerance)
    found = [lying for lying in near if is_candidate(entry, lying.entry, tolerance)]
    return sorted(found, key=lambda lying: lying.entry.subject)


def is_candidate(one: OpenEntry, other: OpenEntry, tolerance: int) -> bool:
    """Amount, date and identities allow that a line and an expectation are each other's."""
    line, expected = (one, other) if one.side == "line" else (other, one)
    if abs(line.gross - expected.gross) > tolerance or not _in_time(line, expected):
        return False
    if line.among:
        return expected.subject in line.among
    return not ((line.has_id and expected.has_id) or (line.has_ref and expected.has_ref))


def _in_time(line: OpenEntry, expected: OpenEntry) -> bool:
    return expected.until is None or expected.day <= line.day <= expected.until


def verdict_of(rows: OpenRows, entry: OpenEntry, tolerance: int) -> Verdict:
    """What follows for one entry from the whole set."""
    own = candidates(rows, entry, tolerance)
    rejected = _rejected(rows, entry, tolerance)
    if not own:
        return Verdict(rejected=rejected)
    mutual = len(own) == 1 and len(candidates(rows, own[0].entry, tolerance)) == 1
    named = [lying.entry for lying in own[:MOST_NAMED]]
    if entry.side == "line":
        found = tuple([other.candidate for other in named if other.candidate is not None])
        return Verdict(rule="A2" if mutual else "A3", candidates=found, rejected=rejected)
    lines = tuple([other.subject for other in named])
    return Verdict(rule="A2" if mutual else "A3", lines=lines, rejected=rejected)


def _rejected(rows: OpenRows, entry: OpenEntry, tolerance: int) -> tuple[Rejected, ...]:
    """Near ones that were looked at and why they are not it, the nearest amounts first; a few."""
    near = [lying.entry for lying in rows.facing(entry, tolerance)]
    others = [other for other in near if not is_candidate(entry, other, tolerance)]
    others.sort(key=lambda other: (abs(other.gross - entry.gross), other.day, other.subject))
    return tuple(
        [
            Rejected(other.subject, other.gross, other.day, reasons_against(entry, other, tolerance))
            for other in others[:MOST_REJECTED]
        ]
    )


def reasons_against(one: OpenEntry, other: OpenEntry, tolerance: int) -> tuple[str, ...]:
    """Why a line and an expectation that lie near are not each other's."""
    line, expected = (one, other) if one.side == "line" else (other, one)
    reasons = []
    if abs(line.gross - expected.gross) > tolerance:
        reasons.append(f"gross {line.gross} is not {expected.gross}, tolerance {tolerance}")
    if not _in_time(line, expected):
        reasons.append(f"booked on {line.day}, not between {expected.day} and {expected.until}")
    if line.among and expected.subject not in line.among:
        reasons.append("others share the line's identity")
    return tuple(reasons)


def _tell(draft: Draft, rows: OpenRows, entry: OpenEntry, tolerance: int) -> None:
    """Answer a home, unless the answer stands."""
    verdict = verdict_of(rows, entry, tolerance)
    lying = rows.find(entry)
    assert lying is not None
    if lying.told is not None and lying.told.same_as(verdict):
        return
    rows.put(replace(lying, told=verdict, tolerance=max(tolerance, lying.tolerance)))
    record = MatchDecided(
        id=draft.next_id(),
        psp=entry.psp,
        identity=entry.home,
        kind=entry.kind,
        side=entry.side,
        subject=entry.subject,
        verdict=verdict,
        currency=entry.currency,
    )
    draft.send(MATCHING_COMMANDS, home(entry.psp, entry.home), record)
