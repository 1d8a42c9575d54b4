"""When the matching lane stops waiting for the other side, and the timers that say so.

`settlement`: an expectation whose gross has not come yet. `payment`: lines or PSP's facts without a payment.
A timer runs exactly while its item needs it, so the same facts leave the same timers behind.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec.structs import replace

from app.domain.calendar import add_business_days, end_of_day, settlement_day
from app.domain.configuration import Platform, PspConfiguration, SettlementCalendar
from app.domain.decision import Draft
from app.domain.directory import unreported, waiting_facts
from app.domain.matching import Item
from app.domain.parking import parking_window
from app.domain.settlement import ExpectationAnnounced, LineRecorded, PaymentDue, SettlementDue
from app.domain.timers import clear_timer, epoch_ms, set_timer

SETTLEMENT: Final = "settlement"
PAYMENT: Final = "payment"
PAYMENT_WINDOW: Final = timedelta(days=1)
REPORT_GRACE: Final = timedelta(seconds=5)
"""How long a chargeback's line waits for the dispute that its own report brings about."""
_DEFAULT: Final = SettlementCalendar()


def timer_subject(psp: str, kind: str) -> str:
    """Several items can share a record key (a capture and its refund); this tells their timers apart."""
    return f"{psp}:{kind}"


def psp_of(platform: Platform | None, psp: str) -> PspConfiguration | None:
    return platform.psps.get(psp) if platform is not None else None


def settles_to(platform: Platform | None, source: str) -> str | None:
    """The bank account that a source's batches are paid to; None: they are not compared with a bank."""
    configured = platform.sources.get(source) if platform is not None else None
    return configured.settles_to if configured is not None else None


def calendar_of(platform: Platform | None, psp: str, source: str | None = None) -> SettlementCalendar:
    """The calendar of a source, else its PSP's, else the default."""
    configured = platform.sources.get(source) if platform is not None and source is not None else None
    if configured is not None and configured.calendar is not None:
        return configured.calendar
    of_psp = psp_of(platform, psp)
    return of_psp.calendar if of_psp is not None else _DEFAULT


def settlement_day_of(calendar: SettlementCalendar, occurred_at: datetime) -> date:
    return settlement_day(occurred_at, calendar.time_zone, calendar.cut_off, calendar.holidays)


@lru_cache(maxsize=4096)
def _after(day: date, days: int, holidays: tuple[date, ...]) -> date:
    return add_business_days(day, days, holidays)


def expected_settle_on(calendar: SettlementCalendar, occurred_at: datetime) -> date:
    """The last booking date that is not late."""
    day = settlement_day_of(calendar, occurred_at)
    return _after(day, calendar.settlement_days, calendar.holidays)


def last_day(calendar: SettlementCalendar, occurred_at: datetime) -> date:
    """The last booking date before the settlement counts as missing."""
    expected = expected_settle_on(calendar, occurred_at)
    return _after(expected, calendar.grace_days, calendar.holidays)


def settlement_due(platform: Platform | None, expectation: ExpectationAnnounced, now: datetime) -> datetime:
    """The business due of an expectation, but not before every source of its PSP had time to deliver."""
    psp = psp_of(platform, expectation.psp)
    seconds = psp.settlement_window_seconds if psp else None
    if seconds is None:
        calendars = _calendars(platform, expectation.psp)
        due = max(end_of_day(last_day(c, expectation.occurred_at), c.time_zone) for c in calendars)
    else:
        due = expectation.occurred_at + timedelta(seconds=seconds)
    return max(due, now + _longest_wait(platform, expectation.psp))


def _calendars(platform: Platform | None, psp: str) -> tuple[SettlementCalendar, ...]:
    sources = platform.sources.values() if platform else ()
    own = [s.calendar for s in sources if s.psp == psp and s.calendar is not None]
    return (calendar_of(platform, psp), *own)


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


def wait_for_report(draft: Draft, item: Item) -> Item:
    """A little longer: a chargeback's line was reported, and the dispute may come of it."""
    record = PaymentDue(id="-", psp=item.psp, identity=item.identity, kind=item.kind)
    return replace(item, payment_due_ms=_set(draft, item, PAYMENT, draft.now + REPORT_GRACE, record))


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
    waits = not item.payment_closed or unreported(item)
    due = _payment_due(draft, platform, item) if waits else None
    if due is None:
        return _clear(draft, item, PAYMENT) if item.payment_due_ms is not None else item
    if item.payment_due_ms is not None:
        return item
    record = PaymentDue(id="-", psp=item.psp, identity=item.identity, kind=item.kind)
    return replace(item, payment_due_ms=_set(draft, item, PAYMENT, due, record))


def _payment_due(draft: Draft, platform: Platform | None, item: Item) -> datetime | None:
    """None where nothing waits for a payment."""
    if item.expectation is None and item.own_lines:
        return payment_due(platform, item.own_lines[0].record, draft.now)
    return draft.now + parking_window(draft) if waiting_facts(item) else None


def _set(draft: Draft, item: Item, timer: str, due: datetime, record: msgspec.Struct) -> int:
    set_timer(draft, timer, timer_subject(item.psp, item.kind), due, record)
    return epoch_ms(due)


def _clear(draft: Draft, item: Item, timer: str) -> Item:
    clear_timer(draft, timer, timer_subject(item.psp, item.kind))
    if timer == SETTLEMENT:
        return replace(item, settlement_due_ms=None)
    return replace(item, payment_due_ms=None)
