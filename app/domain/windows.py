"""When the matching lane stops waiting for the other side, and the timers that say so.

`settlement`: an expectation whose gross has not come yet. `payment`: lines without an expectation.
A timer runs exactly while its item needs it, so the same facts leave the same timers behind.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.calendar import add_business_days, end_of_day
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.matching import Item
from app.domain.settlement import ExpectationAnnounced, LineRecorded, PaymentDue, SettlementDue
from app.domain.timers import clear_timer, epoch_ms, set_timer

SETTLEMENT: Final = "settlement"
PAYMENT: Final = "payment"
SETTLEMENT_BUSINESS_DAYS: Final = 3
"""T+2 and one business day of grace."""
PAYMENT_WINDOW: Final = timedelta(days=1)


def timer_subject(psp: str, kind: str) -> str:
    """Several items can share a record key (a capture and its refund); this tells their timers apart."""
    return f"{psp}:{kind}"


def settlement_due(platform: Platform | None, expectation: ExpectationAnnounced, now: datetime) -> datetime:
    """The business due of an expectation, but not before every source of its PSP had time to deliver."""
    psp = platform.psps.get(expectation.psp) if platform else None
    seconds = psp.settlement_window_seconds if psp else None
    if seconds is None:
        due = _calendar_due(expectation.occurred_at.date())
    else:
        due = expectation.occurred_at + timedelta(seconds=seconds)
    return max(due, now + _longest_wait(platform, expectation.psp))


@lru_cache(maxsize=1024)
def _calendar_due(captured_on: date) -> datetime:
    return end_of_day(add_business_days(captured_on, SETTLEMENT_BUSINESS_DAYS))


def payment_due(platform: Platform | None, line: LineRecorded, now: datetime) -> datetime:
    """A line waits for its payment from its arrival, as long as its source says."""
    source = platform.sources.get(line.source) if platform else None
    if source is None:
        return now + PAYMENT_WINDOW
    seconds = source.payment_window_seconds
    window = PAYMENT_WINDOW if seconds is None else timedelta(seconds=seconds)
    return now + max(window, timedelta(seconds=source.min_wait_seconds))


def _longest_wait(platform: Platform | None, psp: str) -> timedelta:
    sources = platform.sources.values() if platform else ()
    return timedelta(seconds=max((s.min_wait_seconds for s in sources if s.psp == psp), default=0))


def keep_timers(draft: Draft, platform: Platform | None, item: Item, complete: bool) -> Item:
    """Set the timers that the item needs and clear those it no longer needs; a running one is not moved."""
    item = _keep_settlement(draft, platform, item, complete)
    return _keep_payment(draft, platform, item)


def restart_settlement(draft: Draft, item: Item) -> Item:
    """Forget a window that is still open, so that it is set anew for an expectation that was changed."""
    return _clear(draft, item, SETTLEMENT) if item.settlement_due_ms is not None else item


def _keep_settlement(draft: Draft, platform: Platform | None, item: Item, complete: bool) -> Item:
    expectation = item.expectation
    if expectation is None or complete or item.settlement_closed:
        return _clear(draft, item, SETTLEMENT) if item.settlement_due_ms is not None else item
    if item.settlement_due_ms is not None:
        return item
    due = settlement_due(platform, expectation, draft.now)
    record = SettlementDue(id="-", psp=item.psp, identity=item.identity, kind=item.kind)
    return replace(item, settlement_due_ms=_set(draft, item, SETTLEMENT, due, record))


def _keep_payment(draft: Draft, platform: Platform | None, item: Item) -> Item:
    if not item.lines or item.expectation is not None or item.payment_closed:
        return _clear(draft, item, PAYMENT) if item.payment_due_ms is not None else item
    if item.payment_due_ms is not None:
        return item
    due = payment_due(platform, item.lines[0].record, draft.now)
    record = PaymentDue(id="-", psp=item.psp, identity=item.identity, kind=item.kind)
    return replace(item, payment_due_ms=_set(draft, item, PAYMENT, due, record))


def _set(draft: Draft, item: Item, timer: str, due: datetime, record: msgspec.Struct) -> int:
    set_timer(draft, timer, timer_subject(item.psp, item.kind), due, record)
    return epoch_ms(due)


def _clear(draft: Draft, item: Item, timer: str) -> Item:
    clear_timer(draft, timer, timer_subject(item.psp, item.kind))
    if timer == SETTLEMENT:
        return replace(item, settlement_due_ms=None)
    return replace(item, payment_due_ms=None)
