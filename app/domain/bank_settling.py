"""Brings bank lines, batches and payouts to what their facts say: shares, books, timers, mismatches.

All in the record's one draft. Everything is derived anew for the group that a record touched; what stands as
it should is left alone.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from app.domain.bank_books import keep_books
from app.domain.bank_documents import (
    Batch,
    HeldBankLine,
    OpenEntry,
    OpenVerdict,
    bank_line_ref,
    batch_ref,
    line_subject,
)
from app.domain.bank_groups import Group, due, group_of, share
from app.domain.bank_judge import (
    balances,
    is_whole,
    judge_batch,
    payers,
)
from app.domain.bank_mismatches import keep_batch_mismatches, keep_line_mismatches
from app.domain.bank_open_set import enter, leave
from app.domain.bank_payouts import BankPayout, bank_payout_ref
from app.domain.bank_windows import (
    ignored_as,
    keep_batch_timers,
    keep_line_timer,
    source_of,
)
from app.domain.batch_pages import tell_pages
from app.domain.batch_records import BankEvidence
from app.domain.configuration import Platform
from app.domain.decision import Draft
from app.domain.mismatch import Mismatch
from app.domain.mismatches import mismatch_ref
from app.domain.payout_settling import settle_payout, source_of_payouts
from app.domain.state import PLATFORM
from app.domain.windows import psp_of


def settle_bank(
    draft: Draft, account: str, cause: str, lines: Iterable[str] = (), subjects: Iterable[str] = ()
) -> None:
    """Settle all that is connected to these lines (ids) and batches and payouts (subjects).

    `cause`: id of the record that changed something, named where a mismatch resolves.
    """
    platform: Platform | None = draft.get(PLATFORM)
    group = group_of(draft, account, lines, subjects)
    _part_by_name(group)
    share(group, source_of_payouts(platform, account).bank_tolerance)
    for line in group.ordered:
        group.lines[line.record.line_id] = _settle_line(draft, platform, group, line, cause)
    for subject in sorted(group.batches):
        group.batches[subject] = _settle_batch(draft, platform, group, group.batches[subject], cause)
    for subject in sorted(group.payouts):
        payout, own = group.payouts[subject], group.assigned[subject]
        group.payouts[subject] = settle_payout(draft, platform, payout, own, cause)
    for line in group.ordered:
        _put(draft, bank_line_ref(account, line.record.line_id), line)
    for subject in sorted(group.batches):
        _put(draft, batch_ref(account, group.batches[subject].name), group.batches[subject])
    for subject in sorted(group.payouts):
        _put(draft, bank_payout_ref(account, group.payouts[subject].name), group.payouts[subject])


def _put(draft: Draft, ref: Any, value: HeldBankLine | Batch | BankPayout) -> None:
    if draft.get(ref) != value:
        draft.put(ref, value)


def _part_by_name(group: Group) -> None:
    """A name, or people, displace what a sweep paired."""
    for line in list(group.lines.values()):
        if line.matched is not None and (line.named or line.forced):
            _unmatch(group, line)
    for subject in list(group.batches):
        batch = group.batches[subject]
        for currency, line_id in batch.matched.items():
            others = [line for line in group.of(batch) if line.record.line_id != line_id]
            if any(line.record.currency == currency for line in others) and line_id in group.lines:
                _unmatch(group, group.lines[line_id])
    for payout in list(group.payouts.values()):
        if payout.matched is not None and (payout.named_by or payout.forced):
            line_id, group.payouts[payout.subject] = payout.matched, replace(payout, matched=None)
            if line_id in group.lines:
                _unmatch(group, group.lines[line_id])


def _unmatch(group: Group, line: HeldBankLine) -> None:
    batch, payout = group.batches.get(line.matched or ""), group.payouts.get(line.matched or "")
    if payout is not None and payout.matched == line.record.line_id:
        group.payouts[payout.subject] = replace(payout, matched=None)
    group.lines[line.record.line_id] = replace(line, matched=None, verdict=None)
    if batch is not None:
        rest = {cur: one for cur, one in batch.matched.items() if one != line.record.line_id}
        group.batches[batch.subject] = replace(batch, matched=rest)


def _settle_line(
    draft: Draft, platform: Platform | None, group: Group, line: HeldBankLine, cause: str
) -> HeldBankLine:
    ignored = None if line.links else ignored_as(platform, line.record)
    line = line if line.ignored == ignored else replace(line, ignored=ignored)
    line = keep_books(draft, line, group.batches)
    line = keep_line_timer(draft, platform, line)
    line = _keep_line_open(draft, line)
    return keep_line_mismatches(draft, platform, line, cause)


def _keep_line_open(draft: Draft, line: HeldBankLine) -> HeldBankLine:
    """It lies in the open set while its window has closed and no name, rule or person explains it."""
    record = line.record
    lies = line.closed and not (line.named or line.forced or line.ignored) and record.amount != 0
    if not lies:
        if line.entered is None:
            return line
        leave(draft, record.account, record.currency, line.entered, line_subject(record.line_id))
        return replace(line, entered=None, verdict=None)
    entry = OpenEntry(subject=line_subject(record.line_id), amount=record.amount, day=record.value_date)
    span = enter(draft, record.account, record.currency, entry)
    return line if span == line.entered else replace(line, entered=span)


def _settle_batch(draft: Draft, platform: Platform | None, group: Group, batch: Batch, cause: str) -> Batch:
    lines = group.of(batch)
    batch = keep_batch_timers(draft, platform, batch)
    batch = _keep_batch_open(draft, platform, batch, lines)
    findings = list(judge_batch(platform, batch, lines))
    batch = keep_batch_mismatches(draft, platform, batch, lines, findings, cause)
    confirmed = _confirmed(draft, platform, group, batch)
    if confirmed != batch.confirmed:
        tell_pages(draft, batch, batch.pages)
        batch = replace(batch, confirmed=confirmed)
    return batch


def _keep_batch_open(
    draft: Draft, platform: Platform | None, batch: Batch, lines: Sequence[HeldBankLine]
) -> Batch:
    """Per currency; a batch of nothing, and one that a name or person pays, does not lie there.

    Nor does one of a PSP whose leftovers are not compared by amount.
    """
    psp, alone = psp_of(platform, batch.psp), dict[str, OpenVerdict]()
    compared = psp is None or psp.match_by_amount
    named = [line for line in lines if line.named or line.forced]
    entered: dict[str, int] = {}
    for currency, totals in batch.sums.items():
        day, needed = totals.last_day, due(batch, currency)
        old = batch.entered.get(currency)
        paid = payers(batch, currency, named)
        left_over = batch.closed and not paid and needed and is_whole(batch, currency)
        if day is None or not left_over or not compared:
            if old is not None:
                leave(draft, batch.account, currency, old, batch.subject)
            if left_over:
                alone[currency] = OpenVerdict()
            continue
        tolerance = source_of(platform, batch.source).bank_tolerance
        entry = OpenEntry(subject=batch.subject, amount=needed, day=day, tolerance=tolerance)
        span = entered[currency] = enter(draft, batch.account, currency, entry)
        if old is not None and old != span:
            leave(draft, batch.account, currency, old, batch.subject)
    verdicts = alone | {currency: one for currency, one in batch.verdicts.items() if currency in entered}
    if (entered, verdicts) == (batch.entered, batch.verdicts):
        return batch
    return replace(batch, entered=entered, verdicts=verdicts)


def _confirmed(
    draft: Draft, platform: Platform | None, group: Group, batch: Batch
) -> tuple[BankEvidence, ...] | None:
    """The bank lines that pay it, where everything that is connected to it agrees."""
    lines = group.of(batch)
    beside = {link.to for line in lines for link in line.links if link.to in group.batches}
    around = [group.batches[subject] for subject in beside - {batch.subject}]
    if not all(_agrees(draft, platform, group, one) for one in (batch, *around)):
        return None
    return tuple(
        sorted(BankEvidence(batch.account, line.record.line_id, line.record.value_date) for line in lines)
    )


def _agrees(draft: Draft, platform: Platform | None, group: Group, batch: Batch) -> bool:
    lines = group.of(batch)
    if not any(totals.count for totals in batch.sums.values()):
        return False
    if any(line.record.currency not in batch.sums for line in lines):
        return False
    different = [currency for currency in batch.sums if not balances(platform, batch, currency)]
    if different:
        return all(_is_approved(draft, batch, currency) for currency in different)
    exact = lines and all(due(batch, currency) for currency in batch.sums)
    return bool(exact) or all(is_whole(batch, currency) for currency in batch.sums)


def _is_approved(draft: Draft, batch: Batch, currency: str) -> bool:
    """Two people have resolved by how much the bank's money differs from the net."""
    for category in ("AMOUNT_UNDER", "AMOUNT_OVER"):
        opened = batch.open.get(f"{category}/{currency}")
        found: Mismatch | None = draft.get(mismatch_ref(opened.mismatch_id)) if opened else None
        if found is not None and found.status in ("resolved", "written_off"):
            return True
    return False
