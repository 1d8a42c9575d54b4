"""Where each settlement line lives: a correction that names another object arrives at another home.

Homes cannot see each other, so each new line is told to a place of its own, `{psp}:line/{source}/{line_id}`.
Whoever came last has the line; the home before it is told to give it up, with everything that it has posted.
A source whose corrections never name another object saves this (`lines_move = false`).
"""

from typing import Final

import msgspec

from app.domain.configuration import Platform
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.matching import home, line_identity
from app.domain.matching_records import LineHomed, LineMoved
from app.domain.settlement import LineRecorded
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS
from app.domain.timers import epoch_ms

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(LineHomed)


def place_of_line(psp: str, line: str) -> str:
    """Record key of a line's entry on `matching.commands`."""
    return f"{psp}:line/{line}"


def directory_ref(psp: str, line: str) -> Ref:
    return Ref("claim", (place_of_line(psp, line), "home"))


def tell_directory(draft: Draft, platform: Platform | None, line: LineRecorded) -> None:
    """A line has come to this home."""
    source = platform.sources.get(line.source) if platform is not None else None
    if source is None or not source.lines_move:
        return
    record = LineHomed(
        id=draft.next_id(),
        psp=line.psp,
        line=line.id,
        home=line_identity(line),
        kind=line.kind,
        arrived_ms=epoch_ms(draft.now),
    )
    draft.send(MATCHING_COMMANDS, place_of_line(line.psp, line.id), record)


def keep_home(draft: Draft, command: LineHomed) -> None:
    """The latest arrival has the line; the other home gives it up. Raises Duplicate, Ignored."""
    ref = directory_ref(command.psp, command.line)
    text: str | None = draft.get(ref)
    known = _DECODER.decode(text) if text is not None else None
    if known is not None and known.home == command.home:
        raise Duplicate
    if known is not None and _order(known) > _order(command):
        _give_up(draft, command)
        return
    draft.put(ref, _ENCODER.encode(command).decode())
    if known is not None:
        _give_up(draft, known)


def _order(homed: LineHomed) -> tuple[int, str]:
    return (homed.arrived_ms, homed.home)


def _give_up(draft: Draft, homed: LineHomed) -> None:
    record = LineMoved(
        id=draft.next_id(), psp=homed.psp, identity=homed.home, kind=homed.kind, line=homed.line
    )
    draft.send(MATCHING_COMMANDS, home(homed.psp, homed.home), record)


def not_here(line: str) -> Ignored:
    return Ignored(f"line {line} is not at home here any more")
