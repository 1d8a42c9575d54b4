"""Facts that waited for their parent: decided in the parent's transaction, or shown when it stays away.

They stay parked after their window has closed, since a fact is never dropped: the parent may come yet.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app.domain.command_base import MoneyCommand
from app.domain.commands import DisputeFact, ParkedExpire
from app.domain.decision import Conflict, Draft, Duplicate, Ignored
from app.domain.merchant_records import MerchantLaneRecord
from app.domain.mismatch import Category
from app.domain.mismatches import id_in, open_mismatch, resolve_mismatch
from app.domain.parking import TIMER, Parked, parked_ref, take_parked
from app.domain.timers import take_fired

_CATEGORIES: Final[tuple[Category, ...]] = ("MISSING_PAYMENT", "DISPUTE_UNMATCHED")
_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(MerchantLaneRecord)


def release_waiting(draft: Draft, subject: str, decide: Callable[[Draft, Any], None]) -> None:
    """Decide what waited for `subject`, in order of arrival."""
    waiting = take_parked(draft, subject)
    if not waiting:
        return
    for category in _CATEGORIES:
        missing = id_in(draft, "M", category, [subject])
        resolve_mismatch(draft, missing, f"{subject} has come")
    for offset, text in waiting:
        inner = draft.nested()
        try:
            decide(inner, _DECODER.decode(text))
        except (Duplicate, Ignored):
            continue
        except Conflict as conflict:
            show_conflict(draft, subject, offset, text, conflict)
        else:
            draft.absorb(inner)


def show_conflict(draft: Draft, subject: str, offset: int, text: str, conflict: Conflict) -> None:
    """Its own offset was counted as parked, so it cannot become a dead letter any more: it is shown here."""
    open_mismatch(
        draft,
        leg="M",
        category="STATUS_MISMATCH",
        merchant_id=draft.source.key,
        explanation={
            "rule": "a waiting fact contradicts a kept one",
            "reason": str(conflict),
            "waited_for": subject,
            "records": [{"offset": offset, "record": text}],
        },
        subject_ids=[subject, str(offset)],
    )


def expire_waiting(draft: Draft, command: ParkedExpire) -> None:
    """The window has closed and the parent is not there: a mismatch opens, with all that waits."""
    fired = take_fired(draft, command.id)
    if not fired.is_of(TIMER, command.subject):
        raise Ignored("the record is not the timer's own")
    ref = parked_ref(draft.source.key, command.subject)
    waiting: Parked | None = draft.get(ref)
    if waiting is None:
        raise Ignored("nothing waits any more")
    draft.put(ref, replace(waiting, is_overdue=True))
    _show_missing(draft, command.subject, waiting)


def _show_missing(draft: Draft, subject: str, waiting: Parked) -> None:
    """A dispute without its payment is a category of its own."""
    facts = [(offset, text, _DECODER.decode(text)) for offset, text in waiting.records]
    for category in _CATEGORIES:
        own = [
            fact for fact in facts if isinstance(fact[2], DisputeFact) == (category == "DISPUTE_UNMATCHED")
        ]
        if own:
            _show_one(draft, subject, category, own)


def _show_one(draft: Draft, subject: str, category: Category, facts: list[tuple[int, str, Any]]) -> None:
    moneyed = [fact for _, _, fact in facts if isinstance(fact, MoneyCommand)]
    currency = min((fact.currency for fact in moneyed), default=None)
    kind, _, parent = subject.partition("/")
    open_mismatch(
        draft,
        leg="M",
        category=category,
        merchant_id=draft.source.key,
        payment_id=parent if kind == "payment" else None,
        currency=currency,
        actual_amount=sum([fact.amount for fact in moneyed if fact.currency == currency]),
        explanation={
            "rule": "a fact waits for its parent longer than the parking window",
            "waited_for": subject,
            "records": [{"offset": offset, "record": text} for offset, text, _ in facts],
        },
        subject_ids=[subject],
    )
