"""Rows a lane keeps between batches. They are exact as long as the lane's position is unbroken:

nobody else can have changed a row of this partition without moving its position, and a moved position
makes the next compare-and-swap fail, upon which everything here is forgotten.
"""

from collections.abc import Mapping
from typing import Final

from app.domain.state import Ref
from app.store.api import Change, Versioned

KEPT_KINDS: Final = frozenset({"platform", "merchant", "account"})
MAX_ROWS: Final = 200_000


class Memory:
    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[Ref, Versioned | None] = {}

    def forget(self) -> None:
        self.rows.clear()

    def keep(self, base: Mapping[Ref, Versioned | None], changes: Mapping[Ref, Change]) -> None:
        """After a commit: what was read and what was written are both true now."""
        if len(self.rows) > MAX_ROWS:
            self.rows.clear()
        for ref, row in base.items():
            if ref.kind in KEPT_KINDS:
                self.rows[ref] = row
        for ref, change in changes.items():
            if ref.kind in KEPT_KINDS:
                self.rows[ref] = None if change.value is None else Versioned(change.value, change.version)
