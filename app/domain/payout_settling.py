"""Brings a payout at its bank account to what its facts say: window, open set, mismatches, word home."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app.domain.bank_documents import OpenEntry
from app.domain.bank_open_set import enter, leave
from app.domain.bank_payouts import BankPayout, expected_amount, last_moment
from app.domain.banking import BankLineRecorded
from app.domain.batch_records import BankEvidence
from app.domain.calendar import add_business_days, end_of_day, settlement_day
from app.domain.configuration import Platform, SettlementCalendar, SourceConfiguration
from app.domain.decision import Draft
from app.domain.matching import Opened
from app.domain.mismatches import open_mismatch, resolve_mismatch
from app.domain.payout_judge import HARMLESS, RULE_VERSION, PayoutFinding, judge_payout, sides
from app.domain.payout_records import BankTold, PayoutBanked, PayoutLineDue
from app.domain.streams import PAYMENTS_COMMANDS
from app.domain.timers import clear_timer, epoch_ms, set_timer

LEG: Final = "C"
TIMER: Final = "payout_line"
_DEFAULT: Final = SourceConfiguration(payouts=True)


def source_of_payouts(platform: Platform | None, account: str) -> SourceConfiguration:
    """The bank's source whose lines show the account's payouts; the first by name."""
    sources = sorted(platform.sources.items()) if platform is not None else []
    return next((one for _, one in sources if one.payouts and one.settles_to == account), _DEFAULT)


def settle_payout(
    draft: Draft, platform: Platform | None, payout: BankPayout, lines: Sequence[BankLineRecorded], cause: str
) -> BankPayout:
    """The payout judged afresh. `lines`: its own; `cause`: id of the record that changed something."""
    source = source_of_payouts(platform, payout.record.account)
    payout = _keep_timer(draft, source, payout, lines)
    payout = _keep_entry(draft, source, payout)
    findings = judge_payout(payout, lines, source.bank_tolerance, _due_on(source, payout))
    payout = _keep_mismatches(draft, platform, payout, lines, findings, cause)
    return _tell(draft, payout, lines, findings)


# --- the window -----------------------------------------------------------------------------------------


def _calendar(source: SourceConfiguration) -> SettlementCalendar:
    return source.calendar or SettlementCalendar()


def _day(source: SourceConfiguration, moment: datetime) -> date:
    calendar = _calendar(source)
    return settlement_day(moment, calendar.time_zone, calendar.cut_off, calendar.holidays)


def _due_on(source: SourceConfiguration, payout: BankPayout) -> date:
    """The last value date of its way out that is not late."""
    record, calendar = payout.record, _calendar(source)
    sent = _day(source, record.paid_at or record.started_at)
    return add_business_days(sent, source.bank_days, calendar.holidays)


def _keep_timer(
    draft: Draft, source: SourceConfiguration, payout: BankPayout, lines: Sequence[BankLineRecorded]
) -> BankPayout:
    """Runs while something is due that may still come."""
    if payout.closed or _is_complete(payout, lines, source.bank_tolerance):
        if payout.due_ms is None:
            return payout
        clear_timer(draft, TIMER, payout.name)
        return replace(payout, due_ms=None)
    due = _due_at(draft, source, payout)
    if payout.due_ms is not None and (due is None or epoch_ms(due) == payout.due_ms):
        return payout
    at = due or draft.now + timedelta(seconds=source.bank_window_seconds or 0)
    record = payout.record
    timer = PayoutLineDue(
        id="-", account=record.account, merchant_id=record.merchant_id, payout_id=record.payout_id
    )
    set_timer(draft, TIMER, payout.name, at, timer)
    return replace(payout, due_ms=epoch_ms(at))


def _is_complete(payout: BankPayout, lines: Sequence[BankLineRecorded], tolerance: int) -> bool:
    """Our books and the bank's lines say the same, so that there is nothing to wait for."""
    if not expected_amount(payout.record):
        return not lines
    if "paid" not in payout.record.facts:
        return False
    closed = replace(payout, closed_for=last_moment(payout.record))
    return not [
        one for one in judge_payout(closed, lines, tolerance, date.max) if one.category not in HARMLESS
    ]


def _due_at(draft: Draft, source: SourceConfiguration, payout: BankPayout) -> datetime | None:
    """By the calendar; None where the window is in seconds and runs from what was heard first."""
    if source.bank_window_seconds is not None:
        return None
    calendar = _calendar(source)
    last = add_business_days(
        _day(source, last_moment(payout.record)), source.bank_days + calendar.grace_days, calendar.holidays
    )
    return max(end_of_day(last, calendar.time_zone), draft.now + timedelta(seconds=source.min_wait_seconds))


def _keep_entry(draft: Draft, source: SourceConfiguration, payout: BankPayout) -> BankPayout:
    """Once its window has closed it lies in the open set, unless a name or people gave it a line."""
    record, amount = payout.record, expected_amount(payout.record)
    lies = payout.closed and bool(amount) and not payout.named_by and not payout.forced
    if payout.entered is not None and not lies:
        leave(draft, record.account, record.currency, payout.entered, payout.subject)
        return replace(payout, entered=None, verdict=None, matched=None)
    if not lies:
        return payout
    day = _day(source, record.paid_at or record.started_at)
    entry = OpenEntry(subject=payout.subject, amount=amount, day=day, tolerance=source.bank_tolerance)
    span = enter(draft, record.account, record.currency, entry)
    if payout.entered is not None and payout.entered != span:
        leave(draft, record.account, record.currency, payout.entered, payout.subject)
    return replace(payout, entered=span)


# --- what is found --------------------------------------------------------------------------------------


def _keep_mismatches(
    draft: Draft,
    platform: Platform | None,
    payout: BankPayout,
    lines: Sequence[BankLineRecorded],
    findings: list[PayoutFinding],
    cause: str,
) -> BankPayout:
    keys = {finding.key for finding in findings}
    for key, opened in payout.open.items():
        if key not in keys:
            resolve_mismatch(draft, opened.mismatch_id, f"no longer supported by the facts since {cause}")
    if not findings and not payout.open:
        return payout
    return replace(payout, open={one.key: _keep(draft, platform, payout, lines, one) for one in findings})


def _keep(
    draft: Draft,
    platform: Platform | None,
    payout: BankPayout,
    lines: Sequence[BankLineRecorded],
    finding: PayoutFinding,
) -> Opened:
    record = payout.record
    evidence = sha256(msgspec.json.encode((finding, record, lines))).hexdigest()[:16]
    known = payout.open.get(finding.key)
    if known is not None and known.evidence == evidence:
        return known
    mismatch = open_mismatch(
        draft,
        leg=LEG,
        category=finding.category,
        merchant_id=record.merchant_id,
        currency=finding.currency,
        expected_amount=finding.expected_amount,
        actual_amount=finding.actual_amount,
        explanation=_explanation(platform, payout, lines, finding),
        subject_ids=[payout.subject, finding.about] if finding.about else [payout.subject],
    )
    return Opened(mismatch, evidence)


def _explanation(
    platform: Platform | None, payout: BankPayout, lines: Sequence[BankLineRecorded], finding: PayoutFinding
) -> dict[str, Any]:
    explained: dict[str, Any] = {
        "rule": "C2" if payout.matched and not (payout.named_by or payout.forced) else "C1",
        "rule_version": RULE_VERSION,
        "configuration_version": platform.version if platform is not None else None,
        "inputs": {
            "payout": msgspec.to_builtins(payout.record),
            "bank_lines": [msgspec.to_builtins(line) for line in lines],
        },
        "differences": finding.differences,
        "reasons": [finding.reason],
    }
    verdict = payout.verdict
    return explained | ({"candidates": list(verdict.candidates)} if verdict and verdict.candidates else {})


def _tell(
    draft: Draft, payout: BankPayout, lines: Sequence[BankLineRecorded], findings: list[PayoutFinding]
) -> BankPayout:
    """The merchant lane keeps what the bank shows; said again only when it changes."""
    record, own = payout.record, sides(payout.record, lines)
    lines_told = sorted([BankEvidence(record.account, line.line_id, line.value_date) for line in lines])
    due = expected_amount(record) + (record.amount if "returned" in record.facts else 0)
    moved = sum(line.amount for line in (*own.debits, *own.credits))
    told = BankTold(
        confirmed=bool(own.debits) and not [one for one in findings if one.category not in HARMLESS],
        lines=tuple(lines_told),
        difference=moved - due if lines else 0,
    )
    if told == (payout.told or BankTold()):
        return payout
    word = PayoutBanked(
        id=draft.next_id(),
        merchant_id=record.merchant_id,
        payout_id=record.payout_id,
        confirmed=told.confirmed,
        lines=told.lines,
        difference=told.difference,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_COMMANDS, record.merchant_id, word)
    return replace(payout, told=told)
