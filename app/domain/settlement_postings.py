"""What settlement lines post: the amounts that a line must have on each account, given all that is known.

A line posts when it arrives, paired or not, so that a batch's transit equals its net. When a later fact
changes its role (the expectation comes, an earlier line makes it a duplicate), the *difference* is posted.
So the books of an item are a function of its facts, whatever their order.

With gross g, fee f, tax t, reserve r, net n = g - f - t - r (signed, a refund line is negative):
* part of an expectation:  transit n, tax t, reserve r, f - a to fee_variance (psp_fee where nothing was
  accrued); psp_recv gets g - a, where a is the part of f that the books accrued and no line used yet
* the last part also closes what is left: unused accrual, and a gross difference inside the tolerance
* no expectation, or a duplicate:  transit n, tax t, reserve r, psp_fee f; unapplied gets g
"""

from app.domain.matching import Item
from app.domain.pairing import Roles, is_complete, settled_gross
from app.domain.settlement import ExpectationAnnounced, LineRecorded

UNAPPLIED = "unapplied"
PSP_FEE = "psp_fee"
PSP_TAX = "psp_tax"
FEE_VARIANCE = "fee_variance"

Amounts = dict[tuple[str, str], int]
"""(account, currency) -> signed minor units, positive for debit."""


def targets(item: Item, roles: Roles, gross_tolerance: int) -> dict[str, Amounts]:
    """Record id of each line -> the amounts it must have posted."""
    parts = {part.id for part in roles.parts}
    wanted = {
        held.record.id: unapplied_line(held.record) for held in item.lines if held.record.id not in parts
    }
    if item.expectation is not None:
        wanted.update(_parts(item.expectation, roles, gross_tolerance))
    return wanted


def unapplied_line(line: LineRecorded) -> Amounts:
    """A line without expectation, or a duplicate: its money is kept aside in `unapplied`."""
    amounts = _received(line)
    add(amounts, PSP_FEE, line.settle_currency, line.fee)
    _give_up(amounts, UNAPPLIED, line, line.gross)
    return amounts


def paired_line(line: LineRecorded, accrued: int, fee_account: str) -> Amounts:
    """A part of an expectation; `accrued` of its fee is in the books already."""
    amounts = _received(line)
    add(amounts, fee_account, line.settle_currency, line.fee - accrued)
    _give_up(amounts, _receivable(line), line, line.gross)
    add(amounts, _receivable(line), line.settle_currency, accrued)
    return amounts


def _parts(expectation: ExpectationAnnounced, roles: Roles, gross_tolerance: int) -> dict[str, Amounts]:
    """Parts in their order use up the accrued fee; the last one closes a complete expectation."""
    left = expectation.expected_fee or 0
    wanted: dict[str, Amounts] = {}
    for part in roles.parts:
        comparable = part.currency == part.settle_currency == expectation.currency
        accrued = _used(part.fee, left) if comparable else 0
        left -= accrued
        fee_account = FEE_VARIANCE if comparable and expectation.expected_fee else PSP_FEE
        wanted[part.id] = paired_line(part, accrued, fee_account)
    if is_complete(expectation, roles.parts, gross_tolerance):
        _close(wanted[roles.parts[-1].id], expectation, roles, left, gross_tolerance)
    return wanted


def _used(fee: int, left: int) -> int:
    """What a line's fee takes of the accrual that is left; both may be negative, a fee that comes back."""
    return max(0, min(fee, left)) if left >= 0 else min(0, max(fee, left))


def _close(
    last: Amounts, expectation: ExpectationAnnounced, roles: Roles, unused_accrual: int, tolerance: int
) -> None:
    """Bring the object's receivable to zero where nothing is left to be decided by a person."""
    receivable = f"psp_recv:{expectation.psp}"
    difference = expectation.gross - settled_gross(expectation, roles.parts)
    inside = difference if abs(difference) <= tolerance else 0
    add(last, receivable, expectation.currency, unused_accrual - inside)
    add(last, FEE_VARIANCE, expectation.currency, inside - unused_accrual)


def _received(line: LineRecorded) -> Amounts:
    """What the PSP says it did with the money, in the settle currency."""
    amounts: Amounts = {}
    add(amounts, f"transit:{line.source}:{line.batch_id}", line.settle_currency, line.net)
    add(amounts, PSP_TAX, line.settle_currency, line.tax)
    add(amounts, f"reserve:{line.psp}", line.settle_currency, line.reserve)
    return amounts


def _receivable(line: LineRecorded) -> str:
    return f"psp_recv:{line.psp}"


def _give_up(amounts: Amounts, account: str, line: LineRecorded, gross: int) -> None:
    """Credit `gross`; where the PSP converted, the two currencies meet in the position accounts."""
    add(amounts, account, line.currency, -gross)
    if line.currency != line.settle_currency:
        converted = line.net + line.fee + line.tax + line.reserve
        add(amounts, f"fxpos:{line.currency}", line.currency, gross)
        add(amounts, f"fxpos:{line.settle_currency}", line.settle_currency, -converted)


def add(amounts: Amounts, account: str, currency: str, debit: int) -> None:
    key = (account, currency)
    amounts[key] = amounts.get(key, 0) + debit
