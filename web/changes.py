"""A record of `reconciliation.mismatches` as streams and pages use it, and which of them are repeats."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from app.contracts.codec import decoder
from app.domain.mismatch_events import MismatchChanged, MismatchEvent, MismatchOpened, MismatchResolved
from app.domain.streams import RECONCILIATION_MISMATCHES
from app.store.web_figures import MismatchRow

REMEMBERED: Final = 100_000
WORDS: Final[Mapping[type[MismatchEvent], str]] = {
    MismatchOpened: "opened",
    MismatchChanged: "changed",
    MismatchResolved: "resolved",
}
_decode: Final[Callable[[bytes | None], Any]] = decoder(RECONCILIATION_MISMATCHES)


@dataclass(frozen=True, slots=True)
class Change:
    """`word`: opened, changed or resolved. `identity`: the PSP's id of the object, where it is told."""

    word: str
    row: MismatchRow
    occurred_at: datetime
    identity: str | None

    def found_after(self, milliseconds: int | None) -> Change:
        row = replace(self.row, detected_after_ms=milliseconds)
        return Change(self.word, row, self.occurred_at, self.identity)


def change_of(value: bytes | None) -> Change:
    """Raises Undecodable for what is no record of this topic as we know it."""
    event: MismatchEvent = _decode(value)
    fields = {name: getattr(event, name) for name in MismatchRow.__struct_fields__ if hasattr(event, name)}
    row = MismatchRow(**{**fields, "id": event.mismatch_id, "detected_after_ms": None})
    identity = event.explanation.get("identity")
    known = identity.get("identity") if isinstance(identity, Mapping) else None
    return Change(WORDS[type(event)], row, event.occurred_at, known if isinstance(known, str) else None)


class Seen:
    """Delivery is at least once: remembers the last number of the mismatches that changed lately."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._last: OrderedDict[str, int] = OrderedDict()

    def is_news(self, change: Change) -> bool:
        mismatch_id, seq = change.row.id, change.row.seq
        if seq <= self._last.get(mismatch_id, -1):
            return False
        self._last[mismatch_id] = seq
        self._last.move_to_end(mismatch_id)
        if len(self._last) > self._most:
            self._last.popitem(last=False)
        return True
