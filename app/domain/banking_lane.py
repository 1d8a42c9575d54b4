"""The banking lane, keyed by bank account: keeps every bank line once and posts it.

Thin so far: each line is booked as a deposit (or withdrawal) that nobody has explained yet, against
`unapplied`. Pairing lines with settlement batches (leg B) and payouts (leg C) will move it on from there.
"""

from collections.abc import Iterable
from typing import Final, assert_never

import msgspec

from app.domain import platform as platforms
from app.domain import workflow
from app.domain.accounts import CREDIT, DEBIT
from app.domain.banking import BankingLaneRecord, BankLineRecorded
from app.domain.batch_records import (
    BankLineDue,
    BankSweepDue,
    BatchDue,
    BatchLines,
    BatchTell,
    BatchTrailer,
)
from app.domain.calendar import start_of_day
from app.domain.commands import PlatformConfigure
from app.domain.decision import Draft, Duplicate, Ignored, Leg
from app.domain.payout_records import PayoutAnnounced, PayoutLineDue
from app.domain.periods import PeriodClose, close_period
from app.domain.settlement_postings import UNAPPLIED
from app.domain.state import PLATFORM, Ref, account_ref
from app.domain.workflow_banking import BOOKS
from app.domain.workflow_records import MismatchAction


class HeldBankLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bank line and its transaction. `earlier`: contents that corrections replaced, oldest first."""

    record: BankLineRecorded
    transaction_id: str | None = None
    """None: a line of zero posts nothing."""
    earlier: tuple[BankLineRecorded, ...] = ()


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(HeldBankLine)


def decide(draft: Draft, command: BankingLaneRecord) -> None:
    """What one record of `banking.commands` does; see `app/domain/decision.py` for how it ends."""
    match command:
        case BankLineRecorded():
            _record(draft, command)
        case PlatformConfigure():
            platforms.configure(draft, command)
        case PeriodClose():
            close_period(draft, command)
        case MismatchAction():
            workflow.act(draft, command, BOOKS)
        case PayoutAnnounced() | PayoutLineDue():
            raise Ignored("payouts are not paired yet")
        case BatchLines() | BatchTrailer() | BatchTell() | BatchDue() | BankLineDue() | BankSweepDue():
            raise Ignored("batches are not paired yet")
        case _:
            assert_never(command)


def record_key(command: BankingLaneRecord) -> str | None:
    """The Kafka key a record must have; None: goes to every partition."""
    if isinstance(command, MismatchAction):
        return command.owner_key
    return None if isinstance(command, PlatformConfigure | PeriodClose) else command.account


def prefetch(command: BankingLaneRecord) -> Iterable[Ref]:
    """Rows the decision will surely want."""
    if isinstance(command, PlatformConfigure):
        return (PLATFORM,)
    if isinstance(command, PeriodClose):
        return ()
    if isinstance(command, MismatchAction):
        return workflow.prefetch(command)
    if not isinstance(command, BankLineRecorded):
        return ()
    bank, unapplied = _accounts(command)
    return (line_ref(command), account_ref(bank, command.currency), account_ref(unapplied, command.currency))


def accepts_correction(command: BankingLaneRecord) -> bool:
    """A known id with other content: for a bank line that is a correction, else a contradiction."""
    return isinstance(command, BankLineRecorded)


def line_ref(line: BankLineRecorded) -> Ref:
    """Where a line is kept: a claim of its account, whose value is the `HeldBankLine` as JSON text."""
    return Ref("claim", (line.account, f"line/{line.line_id}"))


def held_line(text: str) -> HeldBankLine:
    """The line that is kept under a `line_ref`."""
    return _DECODER.decode(text)


def _record(draft: Draft, command: BankLineRecorded) -> None:
    """A new line is posted; a correction is reversal and new posting, the old content kept."""
    text: str | None = draft.get(line_ref(command))
    if text is None:
        _keep(draft, command, earlier=())
        return
    held = held_line(text)
    if held.record == command:
        raise Duplicate
    if held.transaction_id is not None:
        _post(draft, "bank.reversed", held.record, -held.record.amount, reverses=held.transaction_id)
    _keep(draft, command, earlier=(*held.earlier, held.record))


def _keep(draft: Draft, line: BankLineRecorded, earlier: tuple[BankLineRecorded, ...]) -> None:
    transaction_id = _post(draft, "bank.line", line, line.amount) if line.amount else None
    held = HeldBankLine(record=line, transaction_id=transaction_id, earlier=earlier)
    draft.put(line_ref(line), _ENCODER.encode(held).decode())


def _post(draft: Draft, kind: str, line: BankLineRecorded, amount: int, reverses: str | None = None) -> str:
    """`amount` > 0 goes to the bank account's debit, < 0 to its credit. Returns the transaction's id."""
    bank, unapplied = _accounts(line)
    sides = (DEBIT, CREDIT) if amount > 0 else (CREDIT, DEBIT)
    legs = [
        Leg(account, side, abs(amount), line.currency)
        for account, side in zip((bank, unapplied), sides, strict=True)
    ]
    return draft.post(kind, legs, start_of_day(line.booking_date or line.value_date), reverses=reverses)


def _accounts(line: BankLineRecorded) -> tuple[str, str]:
    return f"bank:{line.account}", UNAPPLIED
