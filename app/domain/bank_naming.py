"""Who is named by whom: finds the lines of a name and the names of a line, and keeps both sides the same."""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from app.domain.bank_documents import (
    BankName,
    BankWeek,
    Batch,
    HeldBankLine,
    bank_line_ref,
    batch_ref,
    name_ref,
    week_ref,
)
from app.domain.bank_groups import BATCH_PREFIX
from app.domain.bank_names import names_in, normal, week_of, weeks_of
from app.domain.bank_payouts import PAYOUT_PREFIX, BankPayout, bank_payout_ref, weeks_of_payout
from app.domain.banking import BankLineRecorded
from app.domain.decision import Draft


def find_lines(draft: Draft, batch: Batch) -> tuple[Batch, tuple[str, ...]]:
    """The batch with the lines that name it, and lines that did so before or do now; all of them kept."""
    weeks, name = weeks_of(batch.sums.values()), normal(batch.batch_id)
    _register(draft, batch.account, name, batch.subject)
    found: set[str] = set()
    for week in weeks:
        lines: BankWeek | None = draft.get(week_ref(batch.account, week))
        if lines is not None:
            found |= {line_id for line_id, names in lines.lines.items() if name in names}
    changed = found.symmetric_difference(batch.named_by)
    for line_id in sorted(changed):
        _set_named(draft, batch.account, line_id, batch.subject, present=line_id in found)
    batch = replace(batch, named_by=tuple(sorted(found)))
    draft.put(batch_ref(batch.account, batch.name), batch)
    return batch, tuple(sorted(changed))


def _register(draft: Draft, account: str, name: str, subject: str) -> None:
    ref = name_ref(account, name)
    known: BankName | None = draft.get(ref)
    subjects = known.subjects if known is not None else ()
    if subject not in subjects:
        draft.put(ref, BankName(subjects=tuple(sorted({*subjects, subject}))))


def _set_named(draft: Draft, account: str, line_id: str, subject: str, *, present: bool) -> None:
    held: HeldBankLine | None = draft.get(bank_line_ref(account, line_id))
    if held is not None:
        named = {*held.named, subject} if present else set(held.named) - {subject}
        draft.put(bank_line_ref(account, line_id), replace(held, named=tuple(sorted(named))))


def register_payout(draft: Draft, account: str, name: str, subject: str) -> None:
    """A name that two payouts have is nobody's, so a third one need not be kept."""
    known: BankName | None = draft.get(name_ref(account, name))
    if known is None or len(_payouts(known)) < 2:
        _register(draft, account, name, subject)


def _payouts(name: BankName) -> list[str]:
    return [subject for subject in name.subjects if subject.startswith(PAYOUT_PREFIX)]


def name_again(draft: Draft, account: str, lines: Iterable[str]) -> tuple[tuple[str, ...], set[str]]:
    """Look again for whom these lines name; returns those that changed, and whom they left or joined."""
    changed, subjects = [], set()
    for line_id in sorted({*lines}):
        held: HeldBankLine | None = draft.get(bank_line_ref(account, line_id))
        if held is None:
            continue
        named = find_names(draft, held.record, names_in(held.record))
        if named != held.named:
            set_named_by(draft, account, line_id, {*held.named} - {*named}, present=False)
            set_named_by(draft, account, line_id, {*named} - {*held.named}, present=True)
            draft.put(bank_line_ref(account, line_id), replace(held, named=named))
            changed.append(line_id)
            subjects |= {*held.named} ^ {*named}
    return tuple(changed), subjects


def find_names(draft: Draft, line: BankLineRecorded, names: Collection[str]) -> tuple[str, ...]:
    """Subjects that its text names at this time, sorted; a name that several payouts have names none."""
    week, found = week_of(line.value_date), set()
    for name in names:
        known: BankName | None = draft.get(name_ref(line.account, name))
        shared = known is not None and len(_payouts(known)) > 1
        for subject in known.subjects if known is not None else ():
            if shared and subject.startswith(PAYOUT_PREFIX):
                continue
            if _is_looked_for(draft, line.account, subject, week):
                found.add(subject)
    return tuple(sorted(found))


def _is_looked_for(draft: Draft, account: str, subject: str, week: int) -> bool:
    if subject.startswith(PAYOUT_PREFIX):
        payout: BankPayout | None = draft.get(bank_payout_ref(account, subject.removeprefix(PAYOUT_PREFIX)))
        return payout is not None and week in weeks_of_payout(payout.record)
    batch: Batch | None = draft.get(batch_ref(account, subject.removeprefix(BATCH_PREFIX)))
    return batch is not None and week in weeks_of(batch.sums.values())


def keep_names(draft: Draft, line: BankLineRecorded, before: BankLineRecorded | None) -> None:
    """A line's names lie in its week; a correction may have moved it to another one."""
    names = names_in(line)
    if before is not None and week_of(before.value_date) != week_of(line.value_date):
        _set_week(draft, before, ())
    _set_week(draft, line, names)


def _set_week(draft: Draft, line: BankLineRecorded, names: tuple[str, ...]) -> None:
    ref = week_ref(line.account, week_of(line.value_date))
    known: BankWeek | None = draft.get(ref)
    lines = dict(known.lines) if known is not None else {}
    if names:
        lines[line.line_id] = names
    else:
        lines.pop(line.line_id, None)
    draft.put(ref, BankWeek(lines=lines))


def set_named_by(draft: Draft, account: str, line_id: str, subjects: Iterable[str], *, present: bool) -> None:
    """The batches' and payouts' side of what a line names."""
    for subject in subjects:
        if subject.startswith(PAYOUT_PREFIX):
            _set_payout_named_by(draft, account, line_id, subject, present)
            continue
        ref = batch_ref(account, subject.removeprefix(BATCH_PREFIX))
        batch: Batch | None = draft.get(ref)
        if batch is not None:
            lines = {*batch.named_by, line_id} if present else set(batch.named_by) - {line_id}
            draft.put(ref, replace(batch, named_by=tuple(sorted(lines))))


def _set_payout_named_by(draft: Draft, account: str, line_id: str, subject: str, present: bool) -> None:
    ref = bank_payout_ref(account, subject.removeprefix(PAYOUT_PREFIX))
    payout: BankPayout | None = draft.get(ref)
    if payout is not None:
        lines = {*payout.named_by, line_id} if present else {*payout.named_by} - {line_id}
        draft.put(ref, replace(payout, named_by=tuple(sorted(lines))))
