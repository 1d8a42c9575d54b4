"""What people decide about bank lines, batches and payouts: pairs they make or part; the rest follows."""

from collections.abc import Collection

from msgspec.structs import replace

from app.domain.bank_documents import Batch, HeldBankLine, bank_line_ref, batch_ref
from app.domain.bank_groups import BATCH_PREFIX
from app.domain.bank_payouts import PAYOUT_PREFIX, BankPayout, bank_payout_ref
from app.domain.bank_settling import settle_bank
from app.domain.bank_sweep import LINE_PREFIX
from app.domain.decision import Draft


def force(draft: Draft, account: str, line_id: str, subjects: Collection[str], cause: str) -> None:
    """Give a bank line to these batches or payouts, instead of whoever had it.

    Raises KeyError for what is not there.
    """
    ref = bank_line_ref(account, line_id)
    held: HeldBankLine | None = draft.get(ref)
    if held is None:
        raise KeyError(f"{LINE_PREFIX}{line_id}")
    before = {*held.forced, *(link.to for link in held.links)}
    for subject in {*held.forced, *subjects}:
        _keep(draft, account, subject, line_id, present=subject in subjects)
    draft.put(ref, replace(held, forced=tuple(sorted(subjects))))
    settle_bank(draft, account, cause, (line_id,), sorted({*before, *subjects}))


def part(draft: Draft, account: str, line_id: str, cause: str) -> None:
    """Undo it: names and amounts speak again."""
    force(draft, account, line_id, (), cause)


def _keep(draft: Draft, account: str, subject: str, line_id: str, *, present: bool) -> None:
    if subject.startswith(PAYOUT_PREFIX):
        _keep_payout(draft, account, subject, line_id, present)
        return
    ref = batch_ref(account, subject.removeprefix(BATCH_PREFIX))
    batch: Batch | None = draft.get(ref)
    if batch is None:
        raise KeyError(subject)
    lines = {*batch.forced, line_id} if present else set(batch.forced) - {line_id}
    draft.put(ref, replace(batch, forced=tuple(sorted(lines))))


def _keep_payout(draft: Draft, account: str, subject: str, line_id: str, present: bool) -> None:
    ref = bank_payout_ref(account, subject.removeprefix(PAYOUT_PREFIX))
    payout: BankPayout | None = draft.get(ref)
    if payout is None:
        raise KeyError(subject)
    lines = {*payout.forced, line_id} if present else {*payout.forced} - {line_id}
    draft.put(ref, replace(payout, forced=tuple(sorted(lines))))


def settle_subjects(draft: Draft, account: str, subjects: Collection[str], cause: str) -> None:
    """Settle what a mismatch is about, after people did something to it."""
    lines = [subject.removeprefix(LINE_PREFIX) for subject in subjects if subject.startswith(LINE_PREFIX)]
    others = [one for one in subjects if one.startswith((BATCH_PREFIX, PAYOUT_PREFIX))]
    settle_bank(draft, account, cause, lines, others)
