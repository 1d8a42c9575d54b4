"""A sweep's verdicts reach lines, batches and payouts: pairs are made and parted, findings follow."""

from msgspec.structs import replace

from app.domain.bank_documents import (
    BankOpen,
    Batch,
    HeldBankLine,
    OpenVerdict,
    bank_line_ref,
    batch_ref,
    open_ref,
)
from app.domain.bank_groups import BATCH_PREFIX
from app.domain.bank_open_set import SWEEP, TOLD, rows_around, spans_around, sweep_subject, swept
from app.domain.bank_payouts import PAYOUT_PREFIX, keep_verdict, pair_payout
from app.domain.bank_settling import settle_bank
from app.domain.bank_sweep import LINE_PREFIX, verdicts
from app.domain.batch_records import BankSweepDue
from app.domain.decision import Draft, Ignored
from app.domain.timers import take_fired


def sweep(draft: Draft, command: BankSweepDue) -> None:
    """Compare what lies open around a span; tell those whose verdict has changed."""
    fired = take_fired(draft, command.id)
    if not fired.is_of(SWEEP, sweep_subject(command.currency, command.span)):
        raise Ignored("the timer's id names another part of the open set")
    account, currency = command.account, command.currency
    swept(draft, account, currency, command.span)
    rows = dict(rows_around(draft, account, currency, command.span))
    found = verdicts(entry for row in rows.values() for entry in row.entries.values())
    lines, batches = [], set()
    for span in spans_around(command.span, TOLD):
        for subject, verdict in _changed(draft, command, span, rows[span], found):
            if subject.startswith(LINE_PREFIX):
                line_id = subject.removeprefix(LINE_PREFIX)
                lines.append(line_id)
                batches |= _tell_line(draft, account, currency, line_id, verdict)
            else:
                batches.add(subject)
                _tell_batch(draft, account, currency, subject, verdict)
    settle_bank(draft, account, command.id, lines, sorted(batches))


def _changed(
    draft: Draft, command: BankSweepDue, span: int, row: BankOpen, found: dict[str, OpenVerdict]
) -> list[tuple[str, OpenVerdict]]:
    """Subjects of a row that have to be told; the row remembers what."""
    told = {subject: found[subject] for subject, entry in row.entries.items() if entry.told != found[subject]}
    if told:
        entries = {
            subject: replace(entry, told=told[subject]) if subject in told else entry
            for subject, entry in row.entries.items()
        }
        draft.put(open_ref(command.account, command.currency, span), replace(row, entries=entries))
    return sorted(told.items())


def _tell_line(draft: Draft, account: str, currency: str, line_id: str, verdict: OpenVerdict) -> set[str]:
    """The line with its verdict, and its pair as it is now; returns whom it left or joined."""
    ref = bank_line_ref(account, line_id)
    held: HeldBankLine | None = draft.get(ref)
    if held is None:
        return set()
    matched = verdict.candidates[0] if verdict.rule == "2" else None
    draft.put(ref, replace(held, verdict=verdict, matched=matched))
    if matched == held.matched:
        return set()
    for subject, present in ((held.matched, False), (matched, True)):
        if subject is not None:
            _pair(draft, account, currency, subject, line_id, present)
    return {subject for subject in (held.matched, matched) if subject is not None}


def _pair(draft: Draft, account: str, currency: str, subject: str, line_id: str, present: bool) -> None:
    if subject.startswith(PAYOUT_PREFIX):
        pair_payout(draft, account, subject, line_id, present=present)
        return
    ref = batch_ref(account, subject.removeprefix(BATCH_PREFIX))
    batch: Batch | None = draft.get(ref)
    if batch is None or not (present or batch.matched.get(currency) == line_id):
        return
    rest = {name: one for name, one in batch.matched.items() if name != currency}
    matched = {**rest, currency: line_id} if present else rest
    draft.put(ref, replace(batch, matched=dict(sorted(matched.items()))))


def _tell_batch(draft: Draft, account: str, currency: str, subject: str, verdict: OpenVerdict) -> None:
    if subject.startswith(PAYOUT_PREFIX):
        keep_verdict(draft, account, subject, verdict)
        return
    ref = batch_ref(account, subject.removeprefix(BATCH_PREFIX))
    batch: Batch | None = draft.get(ref)
    if batch is not None:
        kept = {**batch.verdicts, currency: verdict}
        draft.put(ref, replace(batch, verdicts=dict(sorted(kept.items()))))
