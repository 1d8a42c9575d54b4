"""Facts that came before their parent: kept in the lane's state, with a timer, decided when it comes."""

from datetime import timedelta
from typing import Final

import msgspec

from app.domain.commands import ParkedExpire
from app.domain.decision import Draft
from app.domain.merchant import platform_in
from app.domain.state import Ref
from app.domain.timers import clear_timer, set_timer

PARKING_WINDOW: Final = timedelta(hours=72)
TIMER: Final = "parked"


class Parked(msgspec.Struct, frozen=True, omit_defaults=True):
    """Facts that wait for one subject, as (offset, encoded record), in order of arrival."""

    records: tuple[tuple[int, str], ...] = ()
    is_overdue: bool = False
    """Their window has closed; one that comes later has a window of its own."""


def parked_ref(key: str, subject: str) -> Ref:
    """Row of the facts under record key `key` that wait for `subject`."""
    return Ref("parked", (key, subject))


def park(draft: Draft, subject: str, encoded: bytes) -> None:
    """Keep the record in hand until `subject` comes; the window runs from the first one parked."""
    ref = parked_ref(draft.source.key, subject)
    waiting: Parked | None = draft.get(ref)
    if waiting is None or waiting.is_overdue:
        expire = ParkedExpire(id="-", key=draft.source.key, subject=subject)
        set_timer(draft, TIMER, subject, draft.now + parking_window(draft), expire)
    earlier = waiting.records if waiting else ()
    draft.put(ref, Parked((*earlier, (draft.source.offset, encoded.decode()))))


def parking_window(draft: Draft) -> timedelta:
    seconds = platform_in(draft).parking_window_seconds
    return PARKING_WINDOW if seconds is None else timedelta(seconds=seconds)


def take_parked(draft: Draft, subject: str) -> tuple[tuple[int, str], ...]:
    """Take every fact that waited for `subject` out of the parking, in order of arrival."""
    ref = parked_ref(draft.source.key, subject)
    waiting: Parked | None = draft.get(ref)
    if waiting is None:
        return ()
    draft.put(ref, None)
    clear_timer(draft, TIMER, subject)
    return waiting.records
