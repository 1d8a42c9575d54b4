"""The banking lane, keyed by bank account: bank lines, settlement batches, and which pays for which (leg B).

A record only changes the facts of its line or batch; then all that is connected to it is settled
(`bank_settling.py`): money shared (`bank_groups.py`), booked (`bank_books.py`), judged (`bank_judge.py`).
Names in texts: `bank_names.py`; what no name pairs: `bank_sweep.py`; what merchants hear: `batch_pages.py`.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final

from app.domain import platform as platforms
from app.domain import workflow
from app.domain.bank_documents import (
    bank_line_ref,
    batch_ref,
    name_ref,
    open_ref,
    page_ref,
    week_ref,
)
from app.domain.bank_line_records import close_line, record_line
from app.domain.bank_names import WEEKS_AFTER, WEEKS_BEFORE, names_in, normal, week_of
from app.domain.bank_open_set import SWEEP, spans_around, sweep_subject
from app.domain.bank_payout_records import close_payout, hear_payout, names_of
from app.domain.bank_payouts import bank_payout_ref, weeks_of_payout
from app.domain.bank_people import settle_subjects
from app.domain.bank_sweeping import sweep
from app.domain.bank_windows import BANK, BANK_LINE, QUIET
from app.domain.banking import BankingLaneRecord, BankLineRecorded
from app.domain.batch_pages import pages_of
from app.domain.batch_records import (
    BankLineDue,
    BankSweepDue,
    BatchDue,
    BatchLines,
    BatchTell,
    BatchTrailer,
    batch_name,
)
from app.domain.batches import close_window, hear_lines, hear_trailer, tell
from app.domain.commands import PlatformConfigure
from app.domain.decision import Draft
from app.domain.mismatch import Mismatch
from app.domain.mismatches import mismatch_ref
from app.domain.payout_records import PayoutAnnounced, PayoutLineDue, payout_name
from app.domain.payout_settling import TIMER as PAYOUT_LINE
from app.domain.periods import PeriodClose, close_period
from app.domain.settlement_postings import UNAPPLIED
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.timers import timer_ref
from app.domain.workflow_banking import BOOKS
from app.domain.workflow_records import MismatchAction


def decide(draft: Draft, command: BankingLaneRecord) -> None:
    """What one record of `banking.commands` does; see `app/domain/decision.py` for how it ends."""
    if isinstance(command, MismatchAction):
        workflow.act(draft, command, BOOKS)
        _follow(draft, command)
    else:
        RULES[type(command)](draft, command)


def _follow(draft: Draft, command: MismatchAction) -> None:
    """An approved difference may let a batch be paid, a reopened one not."""
    mismatch: Mismatch = draft.get(mismatch_ref(command.mismatch_id))
    settle_subjects(draft, command.owner_key, mismatch.explanation["subject_ids"], command.id)


def record_key(command: BankingLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    if isinstance(command, MismatchAction):
        return command.owner_key
    return None if isinstance(command, PlatformConfigure | PeriodClose) else command.account


def accepts_correction(command: BankingLaneRecord) -> bool:
    """A known id with other content: for a bank line or a trailer a correction, else a contradiction."""
    return isinstance(command, BankLineRecorded | BatchTrailer)


def prefetch(command: BankingLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    if isinstance(command, MismatchAction):
        return workflow.prefetch(command)
    return (PLATFORM, *_ROWS[type(command)](command))


def _line_rows(line: BankLineRecorded) -> Iterable[Ref]:
    yield bank_line_ref(line.account, line.line_id)
    yield account_ref(f"bank:{line.account}", line.currency)
    yield account_ref(UNAPPLIED, line.currency)
    yield week_ref(line.account, week_of(line.value_date))
    for name in names_in(line):
        yield name_ref(line.account, name)


def _batch_row(command: BatchLines | BatchTrailer | BatchDue | BatchTell) -> Ref:
    return batch_ref(command.account, batch_name(command.source, command.batch_id))


def _lines_rows(command: BatchLines) -> Iterable[Ref]:
    yield _batch_row(command)
    yield name_ref(command.account, normal(command.batch_id))
    yield timer_ref(command.account, QUIET, batch_name(command.source, command.batch_id))
    for page in pages_of(command):
        yield page_ref(command.account, batch_name(command.source, command.batch_id), page)
    for week in {week_of(date.fromisoformat(day)) for sums in command.sums for day in sums.days}:
        for number in range(week - WEEKS_BEFORE, week + WEEKS_AFTER + 1):
            yield week_ref(command.account, number)


def _due_rows(command: BatchDue) -> Iterable[Ref]:
    window = QUIET if command.window == "quiet" else BANK
    yield _batch_row(command)
    yield timer_ref(command.account, window, batch_name(command.source, command.batch_id))


def _line_due_rows(command: BankLineDue) -> Iterable[Ref]:
    yield bank_line_ref(command.account, command.line_id)
    yield timer_ref(command.account, BANK_LINE, command.line_id)


def _sweep_rows(command: BankSweepDue) -> Iterable[Ref]:
    yield timer_ref(command.account, SWEEP, sweep_subject(command.currency, command.span))
    for span in spans_around(command.span):
        yield open_ref(command.account, command.currency, span)


def _tell_rows(command: BatchTell) -> Iterable[Ref]:
    name = batch_name(command.source, command.batch_id)
    return (_batch_row(command), page_ref(command.account, name, command.page))


def _payout_rows(command: PayoutAnnounced) -> Iterable[Ref]:
    name = payout_name(command.merchant_id, command.payout_id)
    yield bank_payout_ref(command.account, name)
    yield timer_ref(command.account, PAYOUT_LINE, name)
    for one in names_of(command):
        yield name_ref(command.account, one)
    for week in weeks_of_payout(command):
        yield week_ref(command.account, week)


def _payout_due_rows(command: PayoutLineDue) -> Iterable[Ref]:
    name = payout_name(command.merchant_id, command.payout_id)
    yield bank_payout_ref(command.account, name)
    yield timer_ref(command.account, PAYOUT_LINE, name)


RULES: Final[dict[type, Callable[[Draft, Any], None]]] = {
    PlatformConfigure: platforms.configure,
    BankLineRecorded: record_line,
    BankLineDue: close_line,
    BatchLines: hear_lines,
    BatchTrailer: hear_trailer,
    BatchDue: close_window,
    BatchTell: tell,
    BankSweepDue: sweep,
    PayoutAnnounced: hear_payout,
    PayoutLineDue: close_payout,
    PeriodClose: close_period,
}

_ROWS: Final[dict[type, Callable[[Any], Iterable[Ref]]]] = {
    PlatformConfigure: lambda command: (),
    BankLineRecorded: _line_rows,
    BankLineDue: _line_due_rows,
    BatchLines: _lines_rows,
    BatchTrailer: lambda command: (_batch_row(command),),
    BatchDue: _due_rows,
    BatchTell: _tell_rows,
    BankSweepDue: _sweep_rows,
    PayoutAnnounced: _payout_rows,
    PayoutLineDue: _payout_due_rows,
    PeriodClose: lambda command: (),
}
