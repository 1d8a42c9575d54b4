"""The state one batch decides on: rows as they were, and on top what earlier records of the batch changed."""

from typing import Any

from app.domain.decision import Draft
from app.domain.state import NotLoaded, Ref
from app.store.api import BLIND, Change, Versioned

BLIND_KINDS = frozenset({"timer"})
"""Kinds whose rows may be written unseen: a later write simply replaces an earlier one."""


class Overlay:
    """A `View` for the deciders. `base`: ref -> row or None; `from_table`: refs whose row a table gave."""

    __slots__ = ("_changed_at", "_values", "base", "from_table")

    def __init__(self) -> None:
        self.base: dict[Ref, Versioned | None] = {}
        self.from_table: set[Ref] = set()
        self._values: dict[Ref, Any] = {}
        self._changed_at: dict[Ref, int] = {}

    def know(self, ref: Ref, row: Versioned | None, *, from_table: bool = False) -> None:
        """Put in a row as it stands before the batch."""
        self.base[ref] = row
        self._values[ref] = None if row is None else row.value
        if from_table:
            self.from_table.add(ref)

    def get(self, ref: Ref) -> Any:
        try:
            return self._values[ref]
        except KeyError:
            raise NotLoaded(ref) from None

    def absorb(self, draft: Draft) -> None:
        """Make one decided record's changes part of the state."""
        self._values.update(draft.state)
        self._changed_at.update(dict.fromkeys(draft.state, draft.source.offset))

    def changes(self) -> dict[Ref, Change]:
        """What to write: last value per row, with the version the whole batch was decided on."""
        result: dict[Ref, Change] = {}
        for ref, offset in self._changed_at.items():
            value = self._values[ref]
            if ref.kind in BLIND_KINDS:
                seen: int | None = BLIND
            else:
                row = self._row(ref)
                if row is None and value is None:
                    continue
                seen = None if row is None else row.version
            result[ref] = Change(value, offset, seen)
        return result

    def _row(self, ref: Ref) -> Versioned | None:
        try:
            return self.base[ref]
        except KeyError:
            raise AssertionError(f"{ref} is written without having been read") from None

    def reads(self) -> dict[Ref, Versioned | None]:
        """Rows a table gave: the commit compares them with PostgreSQL, version and value."""
        return {ref: self.base[ref] for ref in self.from_table}
