"""Timers: a decision may set, move or delete them; a due one comes back as a record of the same key.

A fired record's id is `{kind}/{subject}/{due_at in ms}`. It counts only while the row still says the same
due time; a moved or deleted timer makes it `ignored`. Forged timer records therefore have no effect.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from app.domain.decision import Draft, Ignored
from app.domain.fields import MOST_ID_CHARACTERS
from app.domain.state import Ref, View

DUE_CHARACTERS: Final = 16
"""Of the due time, and the slashes around the subject."""
KEPT_CHARACTERS: Final = 100


class Timer(msgspec.Struct, frozen=True, gc=False):
    """A pending timer: when it is due (epoch milliseconds) and the encoded record to produce then."""

    due_at_ms: int
    record: msgspec.Struct


class FiredId(NamedTuple):
    kind: str
    subject: str
    due_at_ms: int

    def is_of(self, kind: str, subject: str) -> bool:
        """Whether it is the timer that was set for this subject."""
        return (self.kind, self.subject) == (kind, bounded(kind, subject))


def epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def bounded(kind: str, subject: str) -> str:
    """The subject, cut where a fired record's id would be too long to be read: ids that it is made of may

    together be longer than one id.
    """
    if len(kind) + len(subject) + DUE_CHARACTERS <= MOST_ID_CHARACTERS:
        return subject
    return f"{subject[:KEPT_CHARACTERS]}~{blake2b(subject.encode(), digest_size=16).hexdigest()}"


def timer_id(kind: str, subject: str, due_at_ms: int) -> str:
    return f"{kind}/{bounded(kind, subject)}/{due_at_ms}"


def parse_timer_id(record_id: str) -> FiredId | None:
    kind, _, rest = record_id.partition("/")
    subject, _, due = rest.rpartition("/")
    if not (kind and subject and due.isdigit()):
        return None
    return FiredId(kind, subject, int(due))


def timer_ref(key: str, kind: str, subject: str) -> Ref:
    return Ref("timer", (key, kind, bounded(kind, subject)))


def set_timer(draft: Draft, kind: str, subject: str, due_at: datetime, record: msgspec.Struct) -> None:
    """Set or move a timer. `record.id` is replaced by the id that this due time gives."""
    due_at_ms = epoch_ms(due_at)
    fired = msgspec.structs.replace(record, id=timer_id(kind, subject, due_at_ms))
    draft.put(timer_ref(draft.source.key, kind, subject), Timer(due_at_ms, fired))


def clear_timer(draft: Draft, kind: str, subject: str) -> None:
    draft.put(timer_ref(draft.source.key, kind, subject), None)


def is_set_again(view: View, key: str, record_id: str) -> bool:
    """Whether a timer stands at just the due time that this record's id holds.

    Then the record is no repeat although its id came before: the timer was taken, and set to that time once
    more (a clock that runs ahead fires early; a later decision may then set the same time again).
    """
    fired = parse_timer_id(record_id)
    if fired is None:
        return False
    timer: Timer | None = view.get(timer_ref(key, fired.kind, fired.subject))
    return timer is not None and timer.due_at_ms == fired.due_at_ms


def take_fired(draft: Draft, record_id: str) -> FiredId:
    """Take the timer that this record claims to be. Raises Ignored where the row is gone or was moved."""
    fired = parse_timer_id(record_id)
    if fired is None:
        raise Ignored("not a timer's id")
    timer: Timer | None = draft.get(timer_ref(draft.source.key, fired.kind, fired.subject))
    if timer is None or timer.due_at_ms != fired.due_at_ms:
        raise Ignored("the timer was moved or deleted")
    clear_timer(draft, fired.kind, fired.subject)
    return fired
