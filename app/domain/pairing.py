"""Which role each line of an item plays: a part of what was expected, or a duplicate.

Pure and independent of the order of arrival: lines are taken by (booked_on, line id).
"""

from typing import NamedTuple

from app.domain.matching import Item
from app.domain.settlement import ExpectationAnnounced, LineRecorded


class Roles(NamedTuple):
    """`parts`: lines that settle the expectation, in their order. `duplicates`: repeats that exceed it."""

    parts: tuple[LineRecorded, ...]
    duplicates: tuple[LineRecorded, ...]


def direction(expectation: ExpectationAnnounced) -> int:
    """+1 where the PSP owes us (a capture), -1 where it takes (a refund)."""
    return -1 if expectation.gross < 0 else 1


def settled_gross(expectation: ExpectationAnnounced, parts: tuple[LineRecorded, ...]) -> int:
    """Σ gross of the parts in the expected currency, signed minor units; other currencies are never added."""
    return sum(part.gross for part in parts if part.currency == expectation.currency)


def in_currency(expectation: ExpectationAnnounced, roles: Roles) -> tuple[LineRecorded, ...]:
    """The parts that can be compared with the expectation."""
    return tuple([part for part in roles.parts if part.currency == expectation.currency])


def runs_against(expectation: ExpectationAnnounced, line: LineRecorded) -> bool:
    """Whether a line moves the money the other way, in the same currency."""
    return line.currency == expectation.currency and direction(expectation) * line.gross < 0


def is_complete(
    expectation: ExpectationAnnounced, parts: tuple[LineRecorded, ...], gross_tolerance: int
) -> bool:
    """All of the expected gross has been settled, within the tolerance (or more than all of it)."""
    own = [part.gross for part in parts if part.currency == expectation.currency]
    return bool(own) and direction(expectation) * (expectation.gross - sum(own)) <= gross_tolerance


def roles(item: Item, gross_tolerance: int) -> Roles:
    """Split the lines of an item. Without an expectation there is nothing that a line could exceed.

    A duplicate has the kind, gross (within the tolerance) and currency of an earlier line and would lift Σ
    above gross + tolerance.
    Of a currency that is not expected nothing is due, so there every repeat is a duplicate.
    """
    lines = tuple(held.record for held in item.lines)
    expectation = item.expectation
    if expectation is None:
        return Roles((), ())
    parts: list[LineRecorded] = []
    duplicates: list[LineRecorded] = []
    seen: dict[str, set[int]] = {}
    for line in lines:
        exceeds = _would_exceed(expectation, (*parts, line), line.currency, gross_tolerance)
        repeated = any(abs(line.gross - gross) <= gross_tolerance for gross in seen.get(line.currency, ()))
        (duplicates if repeated and exceeds else parts).append(line)
        seen.setdefault(line.currency, set()).add(line.gross)
    return Roles(tuple(parts), tuple(duplicates))


def _would_exceed(
    expectation: ExpectationAnnounced, parts: tuple[LineRecorded, ...], currency: str, gross_tolerance: int
) -> bool:
    if currency != expectation.currency:
        return True
    excess = direction(expectation) * (settled_gross(expectation, parts) - expectation.gross)
    return excess > gross_tolerance
