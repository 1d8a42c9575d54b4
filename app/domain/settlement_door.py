"""The door of settlement lines: each goes to its home in the matching lane; control totals are set aside.

A door owns nothing but its position; the id `{source}/{line_id}` makes a repeated line known behind it.
"""

from collections.abc import Iterable
from typing import Final

from app.domain.decision import Draft, Ignored
from app.domain.matching import home, line_identity
from app.domain.settlement import DoorRecord, LineFields, LineRecorded, SettlementLine
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS

_FIELDS: Final = LineFields.__struct_fields__


def decide(draft: Draft, command: DoorRecord) -> None:
    """Forward a line. Raises Ignored for a trailer: whole batches are checked by the banking lane."""
    if not isinstance(command, SettlementLine):
        raise Ignored(f"the trailer of batch {command.batch_id} is not checked here")
    line = recorded(command)
    draft.send(MATCHING_COMMANDS, home(line.psp, line_identity(line)), line)


def recorded(line: SettlementLine) -> LineRecorded:
    """The line as the matching lane takes it."""
    fields = {name: getattr(line, name) for name in _FIELDS}
    return LineRecorded(id=f"{line.source}/{line.line_id}", **fields)


def prefetch(command: DoorRecord) -> Iterable[Ref]:
    """A door reads no rows."""
    return ()


def record_key(command: DoorRecord) -> str | None:
    """Lines may come under any key: doors skip the key check."""
    return None
