"""Judges an item: which mismatches its facts support, each with its differences and reasons.

A pure function of the facts (expectation, lines), of which windows have closed, of what the open partition
said and of the tolerances in force. Order of arrival does not enter, so a late record takes back what it
disproves. Rule 0: what shares an identity is paired whatever the amounts, then compared field by field.
"""

from collections.abc import Iterator
from datetime import date

from app.domain.configuration import Platform
from app.domain.findings import Finding, Tolerances, batch_of, difference_of
from app.domain.judge_fx import fx_variance
from app.domain.judge_unpaired import missing_payment, missing_settlement
from app.domain.matching import Item
from app.domain.mismatch import Category
from app.domain.money import round_half_up
from app.domain.pairing import Roles, direction, in_currency, is_complete, runs_against, settled_gross
from app.domain.settlement import ExpectationAnnounced, LineRecorded
from app.domain.windows import calendar_of, expected_settle_on


def judge(
    item: Item, roles: Roles, allowed: Tolerances, platform: Platform | None = None
) -> tuple[Finding, ...]:
    """All findings, in a fixed order; empty where everything agrees or windows are still open."""
    expectation = item.expectation
    if expectation is None:
        return tuple(missing_payment(item))
    if not item.lines:
        return tuple(missing_settlement(item, expectation))
    return (
        *(_duplicate(expectation, line) for line in roles.duplicates),
        *(_currency(expectation, line) for line in roles.parts if line.currency != expectation.currency),
        *(_direction(expectation, line) for line in roles.parts if runs_against(expectation, line)),
        *_gross(expectation, roles, allowed, item.settlement_closed),
        *_fee(expectation, roles, allowed, item.settlement_closed),
        *(finding for line in roles.parts for finding in fx_variance(line)),
        *_late(expectation, roles, platform),
    )


def _duplicate(expectation: ExpectationAnnounced, line: LineRecorded) -> Finding:
    reason = (
        f"line {line.line_id} has the kind, gross and currency of an earlier line "
        "and would lift the settled gross above what is expected"
    )
    differences = {"gross": {"expected": 0, "actual": line.gross, "currency": line.currency}}
    return Finding(
        "DUPLICATE_SETTLEMENT", line.id, line.currency, 0, line.gross, line.batch_id, differences, (reason,)
    )


def _currency(expectation: ExpectationAnnounced, line: LineRecorded) -> Finding:
    """Amounts of two currencies are not compared: the expected one is stated, the actual one explained."""
    differences = {
        "currency": {"expected": expectation.currency, "actual": line.currency},
        "gross": {"expected": expectation.gross, "actual": line.gross},
    }
    reason = f"line {line.line_id} is in {line.currency}, the payment in {expectation.currency}"
    return Finding(
        "CURRENCY_MISMATCH",
        line.id,
        expectation.currency,
        expectation.gross,
        None,
        line.batch_id,
        differences,
        (reason,),
    )


def _direction(expectation: ExpectationAnnounced, line: LineRecorded) -> Finding:
    differences = {"gross": difference_of(expectation.gross, line.gross, 0)}
    reason = f"line {line.line_id} moves the money the other way"
    return Finding(
        "DIRECTION_MISMATCH",
        line.id,
        expectation.currency,
        expectation.gross,
        line.gross,
        line.batch_id,
        differences,
        (reason,),
    )


def _gross(
    expectation: ExpectationAnnounced, roles: Roles, allowed: Tolerances, closed: bool
) -> Iterator[Finding]:
    """Σ of the parts against the expected gross, in the direction of the money.

    Too little is a part of it until the settlement window has closed.
    """
    own = tuple([part for part in in_currency(expectation, roles) if not runs_against(expectation, part)])
    if not own:
        return
    total = settled_gross(expectation, own)
    excess = direction(expectation) * (total - expectation.gross)
    if abs(excess) <= allowed.gross:
        return
    category: Category = "AMOUNT_OVER"
    if excess < 0:
        category = "AMOUNT_UNDER" if closed else "PARTIAL_SETTLEMENT"
    differences = {"gross": difference_of(expectation.gross, total, allowed.gross)}
    word = "more" if excess > 0 else "less"
    reason = f"settled {abs(excess)} minor units {word} than expected, tolerance {allowed.gross}"
    reasons = (reason,) if closed or excess > 0 else (reason, "the settlement window is still open")
    yield Finding(
        category, None, expectation.currency, expectation.gross, total, batch_of(own), differences, reasons
    )


def _fee(
    expectation: ExpectationAnnounced, roles: Roles, allowed: Tolerances, closed: bool
) -> Iterator[Finding]:
    """Σ fee of the parts against the expected fee, where there is one in the same currency.

    While gross is still to come, so may be its fee: until then only a fee that is too high is a variance.
    """
    expected = expectation.expected_fee
    own = in_currency(expectation, roles)
    if expected is None or not own or any(line.settle_currency != line.currency for line in own):
        return
    total = sum(line.fee for line in own)
    tolerance = fee_tolerance(expected, allowed)
    final = closed or is_complete(expectation, own, allowed.gross)
    if -tolerance <= total - expected <= tolerance or (total < expected and not final):
        return
    differences = {"fee": difference_of(expected, total, tolerance)}
    reason = f"fee {total} is not {expected} minor units, tolerance {tolerance}"
    yield Finding(
        "FEE_VARIANCE", None, expectation.currency, expected, total, batch_of(own), differences, (reason,)
    )


def fee_tolerance(expected_fee: int, allowed: Tolerances) -> int:
    if allowed.fee is not None:
        return allowed.fee
    return max(1, round_half_up(abs(expected_fee) * 5, 1000))


def _late(expectation: ExpectationAnnounced, roles: Roles, platform: Platform | None) -> Iterator[Finding]:
    """Parts booked after the day by which their source settles. Arrival times do not enter."""
    late = [
        (line, due)
        for line in in_currency(expectation, roles)
        if line.booked_on > (due := _due_on(expectation, line, platform))
    ]
    if not late:
        return
    line, due = late[-1]
    total = sum(part.gross for part, _ in late)
    differences = {"booked_on": {"expected": due.isoformat(), "actual": line.booked_on.isoformat()}}
    reason = f"line {line.line_id} was booked on {line.booked_on}, expected by {due}"
    batch = batch_of(tuple([part for part, _ in late]))
    yield Finding("LATE", None, expectation.currency, total, total, batch, differences, (reason,))


def _due_on(expectation: ExpectationAnnounced, line: LineRecorded, platform: Platform | None) -> date:
    return expected_settle_on(calendar_of(platform, line.psp, line.source), expectation.occurred_at)
