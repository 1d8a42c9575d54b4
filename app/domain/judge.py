"""Judges an item: which mismatches its facts support, each with its differences and reasons.

A pure function of the facts (expectation, lines), of which windows have closed and of the tolerances in
force. Order of arrival does not enter, so a late record takes back what it disproves.
Rule A1: what shares the PSP's object id is paired whatever the amounts, then compared field by field.
"""

from typing import Any, Final, NamedTuple

import msgspec

from app.domain.configuration import Platform
from app.domain.matching import Item
from app.domain.mismatch import Category
from app.domain.money import round_half_up
from app.domain.pairing import Roles, direction, is_complete, settled_gross
from app.domain.settlement import ExpectationAnnounced, LineRecorded

RULE: Final = "A1"
RULE_VERSION: Final = 1


class Tolerances(NamedTuple):
    """Minor units; `fee` None: max(1, 0.5 % of the expected fee). `version`: of the configuration."""

    gross: int = 0
    fee: int | None = None
    version: int | None = None


class Finding(NamedTuple):
    """One mismatch that the facts support. `line_id`: the line it is about, None for the item as a whole."""

    category: Category
    line_id: str | None
    currency: str
    expected_amount: int | None
    actual_amount: int | None
    batch_id: str | None
    differences: dict[str, Any]
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name of the finding inside its item; the figures of one key may move."""
        return f"{self.category}/{self.line_id}" if self.line_id else self.category


def tolerances(platform: Platform | None, psp: str) -> Tolerances:
    if platform is None:
        return Tolerances()
    configured = platform.psps.get(psp)
    if configured is None:
        return Tolerances(version=platform.version)
    return Tolerances(configured.gross_tolerance, configured.fee_tolerance, platform.version)


def judge(item: Item, roles: Roles, allowed: Tolerances) -> tuple[Finding, ...]:
    """All findings, in a fixed order; empty where everything agrees or windows are still open."""
    expectation = item.expectation
    if expectation is None:
        return _missing_payment(item)
    if not item.lines:
        return _missing_settlement(expectation, item.settlement_closed)
    return (
        *(_duplicate(expectation, line) for line in roles.duplicates),
        *(_currency(expectation, line) for line in roles.parts if line.currency != expectation.currency),
        *_gross(expectation, roles, allowed),
        *_fee(expectation, roles, allowed, item.settlement_closed),
    )


def _missing_payment(item: Item) -> tuple[Finding, ...]:
    if not (item.lines and item.payment_closed):
        return ()
    lines = tuple(held.record for held in item.lines)
    currency = lines[0].currency
    total = sum(line.gross for line in lines if line.currency == currency)
    reason = "no payment was announced under this identity before the line's window closed"
    finding = Finding("MISSING_PAYMENT", None, currency, None, total, _batch(lines), {}, (reason,))
    return (finding,)


def _missing_settlement(expectation: ExpectationAnnounced, closed: bool) -> tuple[Finding, ...]:
    if not closed:
        return ()
    reason = "no settlement line came under this identity before the settlement window closed"
    finding = Finding(
        "MISSING_SETTLEMENT", None, expectation.currency, expectation.gross, None, None, {}, (reason,)
    )
    return (finding,)


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


def _gross(expectation: ExpectationAnnounced, roles: Roles, allowed: Tolerances) -> tuple[Finding, ...]:
    """Σ of the parts against the expected gross, in the direction of the money."""
    own = _in_currency(expectation, roles)
    if not own:
        return ()
    total = settled_gross(expectation, own)
    excess = direction(expectation) * (total - expectation.gross)
    if abs(excess) <= allowed.gross:
        return ()
    category: Category = "AMOUNT_OVER" if excess > 0 else "AMOUNT_UNDER"
    differences = {"gross": _difference(expectation.gross, total, allowed.gross)}
    word = "more" if excess > 0 else "less"
    reason = f"settled {abs(excess)} minor units {word} than expected, tolerance {allowed.gross}"
    finding = Finding(
        category, None, expectation.currency, expectation.gross, total, _batch(own), differences, (reason,)
    )
    return (finding,)


def _fee(
    expectation: ExpectationAnnounced, roles: Roles, allowed: Tolerances, closed: bool
) -> tuple[Finding, ...]:
    """Σ fee of the parts against the expected fee, where there is one in the same currency.

    While gross is still to come, so may be its fee: until then only a fee that is too high is a variance.
    """
    expected = expectation.expected_fee
    own = _in_currency(expectation, roles)
    if expected is None or not own or any(line.settle_currency != line.currency for line in own):
        return ()
    total = sum(line.fee for line in own)
    tolerance = fee_tolerance(expected, allowed)
    final = closed or is_complete(expectation, own, allowed.gross)
    if -tolerance <= total - expected <= tolerance or (total < expected and not final):
        return ()
    differences = {"fee": _difference(expected, total, tolerance)}
    reason = f"fee {total} is not {expected} minor units, tolerance {tolerance}"
    finding = Finding(
        "FEE_VARIANCE", None, expectation.currency, expected, total, _batch(own), differences, (reason,)
    )
    return (finding,)


def fee_tolerance(expected_fee: int, allowed: Tolerances) -> int:
    if allowed.fee is not None:
        return allowed.fee
    return max(1, round_half_up(expected_fee * 5, 1000))


def _difference(expected: int, actual: int, tolerance: int) -> dict[str, int]:
    difference = actual - expected
    return {"expected": expected, "actual": actual, "difference": difference, "tolerance": tolerance}


def _in_currency(expectation: ExpectationAnnounced, roles: Roles) -> tuple[LineRecorded, ...]:
    return tuple(part for part in roles.parts if part.currency == expectation.currency)


def _batch(lines: tuple[LineRecorded, ...]) -> str | None:
    """The batch that all lines share, None where they lie in several."""
    batches = {line.batch_id for line in lines}
    return batches.pop() if len(batches) == 1 else None


def explanation(item: Item, roles: Roles, finding: Finding, allowed: Tolerances) -> dict[str, Any]:
    """Why, for people and for `mismatches.explanation`: rule, inputs, differences per field, reasons."""
    expectation = item.expectation
    corrected = [held.record.id for held in item.lines if held.earlier]
    return {
        "rule": RULE,
        "rule_version": RULE_VERSION,
        "configuration_version": allowed.version,
        "identity": {"psp": item.psp, "identity": item.identity, "kind": item.kind},
        "inputs": {
            "expectation": None if expectation is None else msgspec.to_builtins(expectation),
            "lines": [msgspec.to_builtins(held.record) for held in item.lines],
            "parts": [line.id for line in roles.parts],
            "duplicates": [line.id for line in roles.duplicates],
        },
        "differences": finding.differences,
        "reasons": [*finding.reasons, *(f"line {line_id} was corrected" for line_id in corrected)],
    }
