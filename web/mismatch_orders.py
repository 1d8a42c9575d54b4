"""The orders in which mismatches are listed, and the cursors of each: a cursor fits its own order only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from app.store.web_figures import MismatchRow
from app.store.web_mismatches import Sort
from web.cursors import read_cursor
from web.mismatch_filters import stake_of
from web.params import Text

Aware = Annotated[datetime, Meta(tz=True)]
RANKS: Final = {"CRITICAL": 4, "HIGH": 3, "MEDIUM": 2}


class NewestKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="mismatches"):
    detected_at: Aware
    id: Text


class OldestKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="mismatches, oldest"):
    detected_at: Aware
    id: Text


class SeverityKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="mismatches, severity"):
    rank: Annotated[int, Meta(ge=1, le=4)]
    detected_at: Aware
    id: Text


class AmountKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="mismatches, amount"):
    stake: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    detected_at: Aware
    id: Text


class DueKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True, tag="mismatches, due"):
    due_at: Aware
    id: Text


class Keyed(NamedTuple):
    """The cursor of one order, and how it is made from the last row of a page."""

    key: type[Any]
    of: Callable[[MismatchRow], msgspec.Struct]


KEYS: Final[dict[Sort, Keyed]] = {
    "-detected_at": Keyed(NewestKey, lambda row: NewestKey(row.detected_at, row.id)),
    "detected_at": Keyed(OldestKey, lambda row: OldestKey(row.detected_at, row.id)),
    "severity": Keyed(
        SeverityKey, lambda row: SeverityKey(RANKS.get(row.severity, 1), row.detected_at, row.id)
    ),
    "amount": Keyed(AmountKey, lambda row: AmountKey(stake_of(row), row.detected_at, row.id)),
    "due_at": Keyed(DueKey, lambda row: DueKey(row.due_at, row.id)),
}


def beyond(cursor: str | None, sort: Sort) -> tuple[Any, ...] | None:
    """The sort key after which the page begins. Raises 422 for a cursor of another list or order."""
    key = read_cursor(cursor, KEYS[sort].key)
    return None if key is None else msgspec.structs.astuple(key)
