"""How the money of bank lines is shared among payouts: a function of what is connected.

A line of one payout is its own whole, whatever the amounts; of one that names several each takes what it
still needs and the last, by name, the rest. So a difference shows at one place.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from app.domain.bank_documents import HeldBankLine
from app.domain.bank_payouts import BankPayout, expected_amount, parts, payout_shares
from app.domain.banking import BankLineRecorded

Assigned = dict[str, list[BankLineRecorded]]
"""Payout's subject -> its lines, each with the amount of it that is the payout's."""


def assign(lines: Iterable[HeldBankLine], payouts: Mapping[str, BankPayout]) -> Assigned:
    """`lines` in their order; those of a single payout are given first."""
    found: Assigned = {subject: [] for subject in payouts}
    own = [(line, _payouts_of(line, payouts)) for line in lines]
    for line, subjects in sorted(own, key=lambda pair: len(pair[1]) > 1):
        left = line.record.amount
        for subject in subjects:
            takes_rest = subject == subjects[-1] and len(subjects) == len(line.links)
            amount = left if takes_rest else _needed(payouts[subject], found[subject], line.record)
            left -= amount
            if amount:
                found[subject].append(replace(line.record, amount=amount))
    return found


def _payouts_of(line: HeldBankLine, payouts: Mapping[str, BankPayout]) -> Sequence[str]:
    return sorted(link.to for link in line.links if link.to in payouts)


def _needed(payout: BankPayout, given: Sequence[BankLineRecorded], line: BankLineRecorded) -> int:
    """What of a line that goes its way it still lacks."""
    record, way = payout.record, 1 if line.amount > 0 else -1
    whole = record.amount if way > 0 else expected_amount(record)
    if line.currency != record.currency or (way > 0 and "returned" not in record.facts):
        return 0
    got = sum(one.amount for one in given if one.amount * way > 0 and one.currency == record.currency)
    return way * max(0, way * (whole - got))


def shares_of_lines(
    assigned: Assigned, payouts: Mapping[str, BankPayout], tolerance: int
) -> dict[str, dict[str, int]]:
    """Line id -> what of it our books have already, and banks' fees, by where it is booked."""
    shares: dict[str, dict[str, int]] = {}
    for subject, lines in assigned.items():
        for line_id, part in parts(payouts[subject].record, lines, tolerance).items():
            shares.setdefault(line_id, {}).update(payout_shares(subject, part))
    return shares
