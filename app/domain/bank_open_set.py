"""Where bank lines and batches lie that no name paired: rows of a currency and 32 days, and their sweeps.

Whoever enters or leaves asks for a sweep a second later; one sweep answers all that changed meanwhile
(`bank_sweep.py`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from msgspec.structs import replace

from app.domain.bank_documents import BankOpen, OpenEntry, open_ref
from app.domain.batch_records import BankSweepDue
from app.domain.decision import Draft
from app.domain.timers import epoch_ms, set_timer

DAYS: Final = 32
SWEEP: Final = "bank_sweep"
SWEEP_AFTER: Final = timedelta(seconds=1)
REACH: Final = 4
"""Rows on either side that a sweep looks at."""
TOLD: Final = 2
"""Rows on either side whose verdicts a change can move: a candidate's candidates and the sets they are in."""


def span_of(day: date) -> int:
    return day.toordinal() // DAYS


def sweep_subject(currency: str, span: int) -> str:
    return f"{currency}/{span}"


def spans_around(span: int, reach: int = REACH) -> range:
    return range(span - reach, span + reach + 1)


def enter(draft: Draft, account: str, currency: str, entry: OpenEntry) -> int:
    """Put it in, or what it has become; returns where it lies."""
    span = span_of(entry.day)
    row = _row(draft, account, currency, span)
    known = row.entries.get(entry.subject)
    if known is None or replace(known, told=None) != entry:
        entries = {**row.entries, entry.subject: entry}
        _keep(draft, account, currency, span, replace(row, entries=dict(sorted(entries.items()))))
    return span


def leave(draft: Draft, account: str, currency: str, span: int, subject: str) -> None:
    row = _row(draft, account, currency, span)
    if subject in row.entries:
        rest = {name: entry for name, entry in row.entries.items() if name != subject}
        _keep(draft, account, currency, span, replace(row, entries=rest))


def _row(draft: Draft, account: str, currency: str, span: int) -> BankOpen:
    found: BankOpen | None = draft.get(open_ref(account, currency, span))
    return found if found is not None else BankOpen()


def _keep(draft: Draft, account: str, currency: str, span: int, row: BankOpen) -> None:
    if row.sweep_due_ms is None:
        at = draft.now + SWEEP_AFTER
        record = BankSweepDue(id="-", account=account, currency=currency, span=span)
        set_timer(draft, SWEEP, sweep_subject(currency, span), at, record)
        row = replace(row, sweep_due_ms=epoch_ms(at))
    draft.put(open_ref(account, currency, span), row)


def rows_around(draft: Draft, account: str, currency: str, span: int) -> Iterator[tuple[int, BankOpen]]:
    for number in spans_around(span):
        yield number, _row(draft, account, currency, number)


def swept(draft: Draft, account: str, currency: str, span: int) -> None:
    """The timer was taken: the next change asks anew."""
    row = replace(_row(draft, account, currency, span), sweep_due_ms=None)
    draft.put(open_ref(account, currency, span), row)
