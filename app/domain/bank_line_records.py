"""A bank line arrives, is corrected, or has waited long enough."""

from msgspec.structs import replace

from app.domain.bank_books import reverse_line
from app.domain.bank_documents import Batch, HeldBankLine, bank_line_ref, batch_ref, line_subject
from app.domain.bank_groups import BATCH_PREFIX
from app.domain.bank_names import names_in
from app.domain.bank_naming import find_names, keep_names, set_named_by
from app.domain.bank_open_set import leave
from app.domain.bank_payouts import PAYOUT_PREFIX, pair_payout
from app.domain.bank_settling import settle_bank
from app.domain.bank_windows import BANK_LINE
from app.domain.banking import BankLineRecorded
from app.domain.batch_records import BankLineDue
from app.domain.decision import Draft, Duplicate, Ignored
from app.domain.timers import take_fired


def record_line(draft: Draft, command: BankLineRecorded) -> None:
    """A new line is posted; a correction is reversal and new posting, judged again, the old content kept."""
    ref = bank_line_ref(command.account, command.line_id)
    held: HeldBankLine | None = draft.get(ref)
    if held is not None and held.record == command:
        raise Duplicate
    before = tuple(link.to for link in held.links) if held is not None else ()
    if held is None:
        line = HeldBankLine(record=command)
    else:
        line = _corrected(draft, held, command)
    keep_names(draft, command, held.record if held is not None else None)
    named = find_names(draft, command, names_in(command))
    old = held.named if held is not None else ()
    set_named_by(draft, command.account, command.line_id, set(old) - set(named), present=False)
    set_named_by(draft, command.account, command.line_id, set(named) - set(old), present=True)
    draft.put(ref, replace(line, named=named))
    settle_bank(draft, command.account, command.id, (command.line_id,), before)


def _corrected(draft: Draft, held: HeldBankLine, command: BankLineRecorded) -> HeldBankLine:
    line = reverse_line(draft, held)
    if line.entered is not None:
        record = line.record
        leave(draft, record.account, record.currency, line.entered, line_subject(record.line_id))
    if line.matched is not None:
        _part(draft, line)
    return replace(
        line,
        record=command,
        earlier=(*line.earlier, line.record),
        matched=None,
        verdict=None,
        entered=None,
        shares={},
    )


def _part(draft: Draft, line: HeldBankLine) -> None:
    """The batch or payout that a sweep gave it has no line any more."""
    if line.matched is not None and line.matched.startswith(PAYOUT_PREFIX):
        pair_payout(draft, line.record.account, line.matched, line.record.line_id, present=False)
        return
    ref = batch_ref(line.record.account, (line.matched or "").removeprefix(BATCH_PREFIX))
    batch: Batch | None = draft.get(ref)
    if batch is not None:
        rest = {cur: one for cur, one in batch.matched.items() if one != line.record.line_id}
        draft.put(ref, replace(batch, matched=rest))


def close_line(draft: Draft, command: BankLineDue) -> None:
    """Nothing has paired it in its window. A timer that was moved or cleared has no effect."""
    fired = take_fired(draft, command.id)
    ref = bank_line_ref(command.account, command.line_id)
    held: HeldBankLine | None = draft.get(ref)
    if held is None or not fired.is_of(BANK_LINE, command.line_id):
        raise Ignored("the timer's id names another line")
    draft.put(ref, replace(held, closed=True, due_ms=None))
    settle_bank(draft, command.account, command.id, (command.line_id,))
