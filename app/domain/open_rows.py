"""Where leftovers lie: rows of entries that are near each other in amount and date and could be compared.

Entries that contradict each other by the kinds of identity they name lie in rows that never see each other.
So a look costs what may be the other side, not what lies there: a thousand missing payments of one price that
all name their orders are a thousand looks at nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from app.domain.decision import Draft
from app.domain.matching_records import OpenEntry, Verdict
from app.domain.state import Ref

AMOUNT_SPAN: Final = 100
"""Minor units per row."""
DAY_SPAN: Final = 64
"""Days per row; no window is longer than the row beside it reaches."""


class Lying(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry and what its home was told."""

    entry: OpenEntry
    told: Verdict | None = None
    tolerance: int = 0
    """The widest it was compared with: whoever was its candidate then lies within it."""


Row = tuple[Lying, ...]
_ROWS: Final[msgspec.json.Decoder[Row]] = msgspec.json.Decoder(Row)
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode

_EXPECTED: Final = ("e00", "e01", "e10", "e11")
_LINES: Final = ("l01", "l10", "l11")
_AMONG: Final = "la"
"""Lines whose identity several expectations share: those are compared whatever else they name."""


def group_of(entry: OpenEntry) -> str:
    """Side, and whether it names the PSP's object and the merchant's reference."""
    if entry.side == "line":
        return _AMONG if entry.among else f"l{entry.has_id:d}{entry.has_ref:d}"
    return f"e{entry.has_id:d}{entry.has_ref:d}"


def groups_facing(group: str) -> tuple[str, ...]:
    """The groups of the other side that do not contradict this one."""
    if group == _AMONG:
        return _EXPECTED
    if group in _EXPECTED:
        return (_AMONG, *[line for line in _LINES if not _contradict(line, group)])
    return tuple([expected for expected in _EXPECTED if not _contradict(group, expected)])


def _contradict(one: str, other: str) -> bool:
    return any(a == b == "1" for a, b in zip(one[1:], other[1:], strict=True))


FACING: Final = {group: groups_facing(group) for group in (*_EXPECTED, *_LINES, _AMONG)}


def _ref(key: str, kind: str, group: str, amount: int, day: int) -> Ref:
    return Ref("claim", (key, f"open/{kind}/{group}/{amount}/{day}"))


def own_ref(key: str, entry: OpenEntry) -> Ref:
    day = entry.day.toordinal() // DAY_SPAN
    return _ref(key, entry.kind, group_of(entry), entry.gross // AMOUNT_SPAN, day)


def facing_refs(key: str, entry: OpenEntry, tolerance: int) -> tuple[Ref, ...]:
    """Rows in which the other side of `entry` can lie."""
    low, high = (entry.gross - tolerance) // AMOUNT_SPAN, (entry.gross + tolerance) // AMOUNT_SPAN
    day = entry.day.toordinal() // DAY_SPAN
    # a line is booked on the day of its expectation or later
    days = (day - 1, day) if entry.side == "line" else (day, day + 1)
    return tuple(
        [
            _ref(key, entry.kind, group, amount, number)
            for group in FACING[group_of(entry)]
            for amount in range(low, high + 1)
            for number in days
        ]
    )


class OpenRows:
    """The rows that one decision looks at, each decoded once."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._key = draft.source.key
        self._rows: dict[Ref, dict[str, Lying]] = {}
        self._changed: set[Ref] = set()

    def _row(self, ref: Ref) -> dict[str, Lying]:
        row = self._rows.get(ref)
        if row is None:
            text: str | None = self._draft.get(ref)
            row = {lying.entry.subject: lying for lying in _ROWS.decode(text)} if text else {}
            self._rows[ref] = row
        return row

    def find(self, entry: OpenEntry) -> Lying | None:
        return self._row(own_ref(self._key, entry)).get(entry.subject)

    def facing(self, entry: OpenEntry, tolerance: int) -> Iterator[Lying]:
        for ref in facing_refs(self._key, entry, tolerance):
            yield from self._row(ref).values()

    def put(self, lying: Lying) -> None:
        ref = own_ref(self._key, lying.entry)
        self._row(ref)[lying.entry.subject] = lying
        self._changed.add(ref)

    def remove(self, entry: OpenEntry) -> None:
        ref = own_ref(self._key, entry)
        del self._row(ref)[entry.subject]
        self._changed.add(ref)

    def keep(self) -> None:
        """Write what has changed; rows lie in the order of their names, whatever came first."""
        for ref in sorted(self._changed):
            row = self._rows[ref]
            self._draft.put(ref, _text(row[name] for name in sorted(row)) if row else None)


def _text(row: Iterable[Lying]) -> str:
    return _ENCODE(list(row)).decode()
