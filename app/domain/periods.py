"""Closing of periods: `period.close` goes into every partition of every lane that posts, like configuration.

It takes effect at its offset: what a partition posts behind it belongs to a later day, whatever its own date
is. Which day that is follows from the offset alone (`ledger_journal`, 0018), so nothing is written on the hot
path, a closed period cannot change, and a replay closes it at the same place.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import Final

import msgspec

from app.domain.command_base import Command
from app.domain.decision import Draft, Ignored
from app.domain.fields import LongId, Moment
from app.domain.state import Ref

COLLECTION: Final = "period_close"


class PeriodClose(Command, frozen=True, kw_only=True, tag="period.close"):
    """Everything up to this day (UTC), it included, is closed; later facts of it post to the day after."""

    through: date
    by: LongId


class PeriodClosed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One close in one partition: what is posted behind `offset` is on a day after `through`."""

    through: date
    offset: int
    closed_at: Moment
    by: str


def period_close_ref(lane: str, through: date) -> Ref:
    """`lane`: `topic:partition`; each of them closes by itself."""
    return Ref("document", (COLLECTION, lane, through.isoformat()))


def close_period(draft: Draft, command: PeriodClose) -> None:
    """Raises Ignored for a day that is not over, and where it is closed already."""
    if command.through >= draft.now.astimezone(UTC).date():
        raise Ignored(f"{command.through} is not over in UTC")
    source = draft.source
    ref = period_close_ref(f"{source.topic}:{source.partition}", command.through)
    if draft.get(ref) is not None:
        raise Ignored("it is closed already")
    draft.put(
        ref,
        PeriodClosed(through=command.through, offset=source.offset, closed_at=draft.now, by=command.by),
    )
