"""When the banking lane stops waiting, which bank lines are none of ours, and the timers that say so.

`quiet`: nothing came of a batch for a while, so what is there is all of it. `bank`: its bank line is due. A
bank line waits for its batch or payout. A timer runs exactly while it is needed.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.bank_documents import Batch, HeldBankLine
from app.domain.bank_groups import due, got
from app.domain.banking import BankLineRecorded
from app.domain.batch_records import BankLineDue, BatchDue
from app.domain.calendar import add_business_days, end_of_day
from app.domain.configuration import Platform, SettlementCalendar, SourceConfiguration
from app.domain.decision import Draft
from app.domain.timers import clear_timer, epoch_ms, set_timer
from app.domain.windows import calendar_of

QUIET: Final = "quiet"
BANK: Final = "bank"
BANK_LINE: Final = "bank_line"
LINE_DAYS: Final = 5
"""Business days that a bank line waits for its batch."""
_DEFAULT: Final = SourceConfiguration()


def source_of(platform: Platform | None, source: str) -> SourceConfiguration:
    configured = platform.sources.get(source) if platform is not None else None
    return configured if configured is not None else _DEFAULT


def sources_at(platform: Platform | None, account: str) -> Iterator[tuple[str, SourceConfiguration]]:
    """Sources that speak of an account, by name: those that settle to it, and banks'."""
    for name, source in sorted(platform.sources.items() if platform is not None else ()):
        if source.settles_to == account or (not source.psp and source.settles_to is None):
            yield name, source


def ignored_as(platform: Platform | None, line: BankLineRecorded) -> str | None:
    """Label of the first rule by which a line is none of ours."""
    sign = "credit" if line.amount > 0 else "debit"
    for _, source in sources_at(platform, line.account):
        for rule in source.other:
            if rule.sign in ("any", sign) and fits(rule.pattern, line.remittance or ""):
                return rule.label
    return None


def fits(pattern: str, text: str) -> bool:
    """Whether the parts of the pattern between its `*` come in this order; in any case, anywhere."""
    text, start = text.casefold(), 0
    for part in pattern.casefold().split("*"):
        found = text.find(part, start)
        if found < 0:
            return False
        start = found + len(part)
    return True


def expected_on(platform: Platform | None, batch: Batch, currency: str) -> date | None:
    """The last value date that is not late; None for a batch without lines."""
    totals = batch.sums.get(currency)
    last = totals.last_day if totals is not None else None
    if last is None:
        return None
    calendar = calendar_of(platform, batch.psp, batch.source)
    return add_business_days(last, source_of(platform, batch.source).bank_days, calendar.holidays)


def keep_batch_timers(draft: Draft, platform: Platform | None, batch: Batch) -> Batch:
    return _keep_bank(draft, platform, _keep_quiet(draft, platform, batch))


def _keep_quiet(draft: Draft, platform: Platform | None, batch: Batch) -> Batch:
    if batch.quiet or batch.quiet_due_ms is not None:
        return batch
    seconds = source_of(platform, batch.source).bank_quiet_seconds
    at = draft.now + timedelta(seconds=seconds)
    return replace(batch, quiet_due_ms=_set_batch(draft, batch, QUIET, at))


def went_quiet(draft: Draft, platform: Platform | None, batch: Batch) -> Batch:
    """The timer has fired: it is quiet, or waits on where something came meanwhile."""
    wait_ms = source_of(platform, batch.source).bank_quiet_seconds * 1000
    if epoch_ms(draft.now) < batch.heard_ms + wait_ms:
        at = draft.now + timedelta(milliseconds=batch.heard_ms + wait_ms - epoch_ms(draft.now))
        return replace(batch, quiet_due_ms=_set_batch(draft, batch, QUIET, at))
    return replace(batch, quiet=True, quiet_due_ms=None)


def _keep_bank(draft: Draft, platform: Platform | None, batch: Batch) -> Batch:
    owed = any(due(batch, currency) != got(batch, currency) for currency in batch.sums)
    if not owed or batch.closed:
        if batch.due_ms is not None:
            clear_timer(draft, BANK, batch.name)
        return replace(batch, due_ms=None) if batch.due_ms is not None else batch
    at = _bank_due(draft, platform, batch)
    if batch.due_ms is not None and (at is None or epoch_ms(at) <= batch.due_ms):
        return batch
    at = at or draft.now + timedelta(seconds=source_of(platform, batch.source).bank_window_seconds or 0)
    return replace(batch, due_ms=_set_batch(draft, batch, BANK, at))


def _bank_due(draft: Draft, platform: Platform | None, batch: Batch) -> datetime | None:
    """By the calendar; None where the source's window is in seconds, from the first that was heard."""
    source = source_of(platform, batch.source)
    if source.bank_window_seconds is not None:
        return None
    calendar = calendar_of(platform, batch.psp, batch.source)
    days = [day for currency in batch.sums if (day := expected_on(platform, batch, currency))]
    last = add_business_days(max(days), calendar.grace_days, calendar.holidays) if days else draft.now.date()
    return max(end_of_day(last, calendar.time_zone), draft.now + timedelta(seconds=source.min_wait_seconds))


def _set_batch(draft: Draft, batch: Batch, window: str, at: datetime) -> int:
    record = BatchDue(
        id="-",
        account=batch.account,
        source=batch.source,
        batch_id=batch.batch_id,
        window="quiet" if window == QUIET else "bank",
    )
    set_timer(draft, window, batch.name, at, record)
    return epoch_ms(at)


def keep_line_timer(draft: Draft, platform: Platform | None, line: HeldBankLine) -> HeldBankLine:
    waits = not (line.closed or line.links or line.ignored) and line.record.amount != 0
    if not waits:
        if line.due_ms is None:
            return line
        clear_timer(draft, BANK_LINE, line.record.line_id)
        return replace(line, due_ms=None)
    if line.due_ms is not None:
        return line
    at = _line_due(draft, platform, line.record)
    record = BankLineDue(id="-", account=line.record.account, line_id=line.record.line_id)
    set_timer(draft, BANK_LINE, line.record.line_id, at, record)
    return replace(line, due_ms=epoch_ms(at))


def _line_due(draft: Draft, platform: Platform | None, line: BankLineRecorded) -> datetime:
    sources = [source for _, source in sources_at(platform, line.account)]
    wait = draft.now + timedelta(seconds=max((s.min_wait_seconds for s in sources), default=0))
    seconds = [s.bank_window_seconds for s in sources if s.bank_window_seconds is not None]
    if seconds:
        return max(wait, draft.now + timedelta(seconds=max(seconds)))
    calendar = next((s.calendar for s in sources if s.calendar is not None), SettlementCalendar())
    last = add_business_days(line.value_date, LINE_DAYS, calendar.holidays)
    return max(wait, end_of_day(last, calendar.time_zone))
