"""The door of settlement lines: each goes to its home in matching, a trailer by way of it to its batch.

A door owns nothing but its position; the id `{source}/{line_id}` makes a repeated line known behind it.
"""

from collections.abc import Iterable
from typing import Final

from app.domain.batch_records import TrailerRecorded, batch_name
from app.domain.decision import Draft
from app.domain.matching import home, line_identity
from app.domain.settlement import DoorRecord, LineFields, LineRecorded, SettlementLine, SettlementTrailer
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS

_FIELDS: Final = LineFields.__struct_fields__


def decide(draft: Draft, command: DoorRecord) -> None:
    """Forward it. The matching lane knows which account a source settles to, a door has no configuration."""
    if isinstance(command, SettlementLine):
        line = recorded(command)
        draft.send(MATCHING_COMMANDS, home(line.psp, line_identity(line)), line)
    else:
        trailer = recorded_trailer(command)
        draft.send(
            MATCHING_COMMANDS, home(trailer.psp, batch_name(trailer.source, trailer.batch_id)), trailer
        )


def recorded(line: SettlementLine) -> LineRecorded:
    """The line as the matching lane takes it."""
    fields = {name: getattr(line, name) for name in _FIELDS}
    return LineRecorded(id=f"{line.source}/{line.line_id}", **fields)


def recorded_trailer(trailer: SettlementTrailer) -> TrailerRecorded:
    """One per batch and currency; another content is a correction."""
    fields = {name: getattr(trailer, name) for name in trailer.__struct_fields__}
    name = batch_name(trailer.source, trailer.batch_id)
    return TrailerRecorded(id=f"{name}/{trailer.settle_currency}", **fields)


def prefetch(command: DoorRecord) -> Iterable[Ref]:
    """A door reads no rows."""
    return ()


def record_key(command: DoorRecord) -> str | None:
    """Lines may come under any key: doors skip the key check."""
    return None
