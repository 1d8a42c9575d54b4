"""The records of an asking history once more, what was told between two requests in another order.

Requests and timers stay where they were, since what they do rightly depends on what is known then. All
that was told between two of them is told at one moment, in its own order or in any other.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from random import Random
from typing import Any

from app.domain.commands import (
    DisputeFact,
    PaymentFact,
    PaymentRecord,
    PayoutFact,
    RefundFailed,
    RefundRecord,
)
from app.domain.psp_calls import PspAnswered
from tests.support.domain import Books, Outcome
from tests.support.facts import end_state

TOLD = (PspAnswered, PaymentFact, PaymentRecord, RefundRecord, RefundFailed, DisputeFact, PayoutFact)
FAR = 1_000_000
"""Offsets of timers that only another order sets."""
Log = list[tuple[datetime, Any]]


class PlacedBooks(Books):
    """A timer's record gets the offset it had in the log, by which later answers name what it asked for."""

    def __init__(self, places: dict[str, int]) -> None:
        super().__init__()
        self.places = places
        self.others = itertools.count(FAR)

    def send(self, command: Any) -> Outcome:
        if command.is_timer:
            self.offset = self.places.get(command.id) or next(self.others)
        return super().send(command)


def told_again(log: Log, chance: Random | None = None) -> Books:
    """Books that were given the log's records; `chance`: what was told is shuffled."""
    books = PlacedBooks({record.id: offset for offset, (_, record) in enumerate(log) if record.is_timer})
    run: list[Any] = []
    for offset, (at, record) in enumerate(log):
        if isinstance(record, TOLD):
            run.append(record)
            continue
        _tell(books, offset - len(run), run, chance)
        run = []
        books.offset = offset
        if record.is_timer:
            books.fire_timers(at)
        books.now = max(books.now, at)
        if not record.is_timer:
            books.send(record)
    _tell(books, len(log) - len(run), run, chance)
    books.fire_timers()
    return books


def _tell(books: Books, first: int, run: list[Any], chance: Random | None) -> None:
    if chance is not None:
        chance.shuffle(run)
    for offset, record in enumerate(run, first):
        books.offset = offset
        outcome = books.send(record)
        assert outcome.name in ("applied", "duplicate", "parked"), (record, str(outcome))


def state_of(books: Books) -> dict[str, Any]:
    """Without what a payout is made of, which says by which way money came: pending, or available at once."""
    books.check_all()
    state = end_state(books)
    for payout in state["payouts"].values():
        payout.pop("parts", None)
    return state
