"""The door of bank lines: each goes to its account's partition of the banking lane.

A door owns nothing but its position; the id `{account}/{line_id}` makes a repeated line known behind it.
"""

from collections.abc import Iterable
from typing import Final

from app.domain.banking import BankLine, BankLineFields, BankLineRecorded
from app.domain.decision import Draft
from app.domain.state import Ref
from app.domain.streams import BANKING_COMMANDS

_FIELDS: Final = BankLineFields.__struct_fields__


def decide(draft: Draft, command: BankLine) -> None:
    """Forward a line."""
    draft.send(BANKING_COMMANDS, command.account, recorded(command))


def recorded(line: BankLine) -> BankLineRecorded:
    """The line as the banking lane takes it."""
    fields = {name: getattr(line, name) for name in _FIELDS}
    return BankLineRecorded(id=f"{line.account}/{line.line_id}", **fields)


def prefetch(command: BankLine) -> Iterable[Ref]:
    """A door reads no rows."""
    return ()


def record_key(command: BankLine) -> str | None:
    """Lines may come under any key: doors skip the key check."""
    return None
