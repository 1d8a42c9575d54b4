"""Rules A2 and A3: what shares no identity is compared by amount and date, in one partition per currency.

An entry's verdict is a function of the set that lies here, whatever the order in which it came. A line and an
expectation are matched (A2) where each is the other's only candidate; where there are several, or one has
several, nothing is guessed: a person decides (A3).

The set is kept in rows of entries that are near each other in amount and date, so that a look costs what lies
near and not what lies there.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
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
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS

AMOUNT_SPAN: Final = 100
"""Minor units per row."""
DAY_SPAN: Final = 64
"""Days per row; no window is longer than the row beside it reaches."""
MOST_REJECTED: Final = 5


class Lying(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry and what its home was told."""

    entry: OpenEntry
    told: Verdict | None = None


Row = tuple[Lying, ...]
_ROWS: Final[msgspec.json.Decoder[Row]] = msgspec.json.Decoder(Row)
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


def row_ref(key: str, kind: str, gross: int, day: int) -> Ref:
    return Ref("claim", (key, f"open/{kind}/{gross // AMOUNT_SPAN}/{day // DAY_SPAN}"))


def decide(draft: Draft, command: OpenEntered | OpenLeft, tolerance: int) -> None:
    """Put an entry in or take it out, and tell every home whose verdict has changed by that."""
    entry = command.entry
    row = _own_row(draft, entry)
    lying = next((found for found in row if found.entry.subject == entry.subject), None)
    rest = tuple([found for found in row if found is not lying])
    if isinstance(command, OpenLeft):
        if lying is None or lying.entry != entry:
            raise Ignored("this entry does not lie here")
        _keep_row(draft, entry, rest)
    else:
        _keep_row(draft, entry, (*rest, Lying(entry)))
    for subject in _affected(draft, entry, tolerance):
        _tell(draft, subject, tolerance)


def _affected(draft: Draft, entry: OpenEntry, tolerance: int) -> tuple[OpenEntry, ...]:
    """The entry itself where it lies here, its candidates, and theirs: nobody else's verdict can change."""
    near = candidates(draft, entry, tolerance)
    own = _own_row(draft, entry)
    found = {_name(lying.entry): lying.entry for lying in own if lying.entry == entry}
    for other in near:
        found[_name(other)] = other
        found |= {_name(third): third for third in candidates(draft, other, tolerance)}
    return tuple([found[name] for name in sorted(found)])


def _name(entry: OpenEntry) -> tuple[str, str]:
    return (entry.side, entry.subject)


def candidates(draft: Draft, entry: OpenEntry, tolerance: int) -> tuple[OpenEntry, ...]:
    """What may be the other side of `entry`, by name."""
    near = _near(draft, entry, tolerance)
    return tuple(sorted([o for o in near if not reasons_against(entry, o, tolerance)], key=_name))


def _near(draft: Draft, entry: OpenEntry, tolerance: int) -> Iterator[OpenEntry]:
    """Entries of the other side that lie near `entry` in amount and date."""
    for ref in rows_near(draft.source.key, entry, tolerance):
        yield from (lying.entry for lying in _row(draft, ref) if lying.entry.side != entry.side)


def reasons_against(one: OpenEntry, other: OpenEntry, tolerance: int) -> tuple[str, ...]:
    """Why a line and an expectation are not each other's; empty for candidates."""
    line, expected = (one, other) if one.side == "line" else (other, one)
    reasons = []
    if abs(line.gross - expected.gross) > tolerance:
        reasons.append(f"gross {line.gross} is not {expected.gross}, tolerance {tolerance}")
    if expected.until is not None and not expected.day <= line.day <= expected.until:
        reasons.append(f"booked on {line.day}, not between {expected.day} and {expected.until}")
    if line.among:
        if expected.subject not in line.among:
            reasons.append("others share the line's identity")
    elif line.has_id and expected.has_id:
        reasons.append("both name the PSP's object, and not the same")
    elif line.has_ref and expected.has_ref:
        reasons.append("both name the merchant's reference, and not the same")
    return tuple(reasons)


def verdict_of(draft: Draft, entry: OpenEntry, tolerance: int) -> Verdict:
    """What follows for one entry from the whole set."""
    own = candidates(draft, entry, tolerance)
    rejected = _rejected(draft, entry, own, tolerance)
    if not own:
        return Verdict(rejected=rejected)
    mutual = len(own) == 1 and len(candidates(draft, own[0], tolerance)) == 1
    if entry.side == "line":
        named = tuple([other.candidate for other in own if other.candidate is not None])
        return Verdict(rule="A2" if mutual else "A3", candidates=named, rejected=rejected)
    lines = tuple([other.subject for other in own])
    return Verdict(rule="A2" if mutual else "A3", lines=lines, rejected=rejected)


def _rejected(
    draft: Draft, entry: OpenEntry, own: Iterable[OpenEntry], tolerance: int
) -> tuple[Rejected, ...]:
    """Near ones that were looked at and why they are not it, the nearest amounts first; a few."""
    taken = {other.subject for other in own}
    others = [other for other in _near(draft, entry, tolerance) if other.subject not in taken]
    others.sort(key=lambda other: (abs(other.gross - entry.gross), other.day, other.subject))
    return tuple(
        [
            Rejected(other.subject, other.gross, other.day, reasons_against(entry, other, tolerance))
            for other in others[:MOST_REJECTED]
        ]
    )


def _tell(draft: Draft, entry: OpenEntry, tolerance: int) -> None:
    """Answer a home, unless the answer stands."""
    verdict = verdict_of(draft, entry, tolerance)
    row = _own_row(draft, entry)
    lying = next(found for found in row if found.entry == entry)
    if lying.told is not None and lying.told.same_as(verdict):
        return
    rest = [found for found in row if found is not lying]
    _keep_row(draft, entry, (*rest, replace(lying, told=verdict)))
    record = MatchDecided(
        id=draft.next_id(),
        psp=entry.psp,
        identity=entry.home,
        kind=entry.kind,
        side=entry.side,
        subject=entry.subject,
        verdict=verdict,
    )
    draft.send(MATCHING_COMMANDS, home(entry.psp, entry.home), record)


def _own_row(draft: Draft, entry: OpenEntry) -> Row:
    return _row(draft, _ref_of(draft, entry))


def _ref_of(draft: Draft, entry: OpenEntry) -> Ref:
    return row_ref(draft.source.key, entry.kind, entry.gross, entry.day.toordinal())


def _row(draft: Draft, ref: Ref) -> Row:
    text: str | None = draft.get(ref)
    return _ROWS.decode(text) if text else ()


def _keep_row(draft: Draft, entry: OpenEntry, row: Iterable[Lying]) -> None:
    kept = sorted(row, key=lambda lying: _name(lying.entry))
    draft.put(_ref_of(draft, entry), _ENCODE(kept).decode() if kept else None)


def rows_near(key: str, entry: OpenEntry, tolerance: int) -> tuple[Ref, ...]:
    """Rows that a decision about `entry` surely reads."""
    low, high = (entry.gross - tolerance) // AMOUNT_SPAN, (entry.gross + tolerance) // AMOUNT_SPAN
    day = entry.day.toordinal() // DAY_SPAN
    return tuple(
        [
            row_ref(key, entry.kind, amount * AMOUNT_SPAN, days * DAY_SPAN)
            for amount in range(low, high + 1)
            for days in (day - 1, day, day + 1)
        ]
    )
