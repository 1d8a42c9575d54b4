"""Bank lines, batches and payouts that belong together, and how a line's money is shared among its batches.

A group is what is connected by names, by a sweep's pairs or by people; its shares are a function of it. A
line of one batch goes to it whole, whatever the amounts; one of several gives each what it still needs and
the last, by name, the rest. So a difference shows at one place.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from app.domain.bank_documents import Batch, HeldBankLine, bank_line_ref, batch_ref
from app.domain.bank_payouts import PAYOUT_PREFIX, BankPayout, bank_payout_ref
from app.domain.decision import Draft
from app.domain.payout_groups import Assigned, assign, shares_of_lines

BATCH_PREFIX = "batch:"


class Group:
    """`lines` by id, `batches` and `payouts` by subject, as they stand in the draft."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.lines: dict[str, HeldBankLine] = {}
        self.batches: dict[str, Batch] = {}
        self.payouts: dict[str, BankPayout] = {}
        self.assigned: Assigned = {}
        """What `share` gave to payouts."""

    def of(self, batch: Batch) -> list[HeldBankLine]:
        """A batch's lines in their own order."""
        return [line for line in self.ordered if any(link.to == batch.subject for link in line.links)]

    @property
    def ordered(self) -> list[HeldBankLine]:
        return sorted(self.lines.values(), key=lambda line: (line.record.value_date, line.record.line_id))


def group_of(draft: Draft, account: str, lines: Iterable[str] = (), subjects: Iterable[str] = ()) -> Group:
    """All that is connected to these lines (ids) and these batches and payouts (subjects)."""
    group = Group(account)
    to_see = [*(("line", line) for line in lines), *(("other", subject) for subject in subjects)]
    while to_see:
        kind, name = to_see.pop()
        if kind == "line":
            to_see += _see_line(draft, group, name)
        elif name.startswith(PAYOUT_PREFIX):
            to_see += _see_payout(draft, group, name)
        else:
            to_see += _see_batch(draft, group, name)
    return group


def _see_line(draft: Draft, group: Group, line_id: str) -> list[tuple[str, str]]:
    held: HeldBankLine | None = None
    if line_id not in group.lines:
        held = draft.get(bank_line_ref(group.account, line_id))
    if held is None:
        return []
    group.lines[line_id] = held
    subjects = {link.to for link in held.links}
    if held.matched is not None:
        subjects.add(held.matched)  # also where a name displaces the pair
    return [("other", subject) for subject in sorted(subjects)]


def _see_batch(draft: Draft, group: Group, subject: str) -> list[tuple[str, str]]:
    batch: Batch | None = None
    if subject not in group.batches:
        batch = draft.get(batch_ref(group.account, subject.removeprefix(BATCH_PREFIX)))
    if batch is None:
        return []
    group.batches[subject] = batch
    return [("line", line) for line in (*batch.named_by, *batch.matched.values(), *batch.forced)]


def _see_payout(draft: Draft, group: Group, subject: str) -> list[tuple[str, str]]:
    payout: BankPayout | None = None
    if subject not in group.payouts:
        payout = draft.get(bank_payout_ref(group.account, subject.removeprefix(PAYOUT_PREFIX)))
    if payout is None:
        return []
    group.payouts[subject] = payout
    matched = (payout.matched,) if payout.matched else ()
    return [("line", line) for line in (*payout.named_by, *matched, *payout.forced)]


def share(group: Group, payout_tolerance: int = 0) -> None:
    """Give every line's money to its batches and payouts: `shares`, `received` of batches, `assigned`.

    `payout_tolerance`: minor units that a bank may keep of a payout.
    """
    group.assigned = assign(group.ordered, group.payouts)
    of_payouts = shares_of_lines(group.assigned, group.payouts, payout_tolerance)
    received: dict[str, dict[str, dict[str, int]]] = {subject: {} for subject in group.batches}
    for line in sorted(group.ordered, key=lambda line: len(line.links) > 1):
        shares = _shares(group, line, received)
        for subject, amount in shares.items():
            received[subject].setdefault(line.record.currency, {})[line.record.line_id] = amount
        shares |= of_payouts.get(line.record.line_id, {})
        if shares != line.shares:
            group.lines[line.record.line_id] = replace(line, shares=shares)
    for subject, batch in group.batches.items():
        got: Any = {
            currency: dict(sorted(received[subject][currency].items()))
            for currency in sorted(received[subject])
        }
        if got != batch.received:
            group.batches[subject] = replace(batch, received=got)


def _shares(
    group: Group, line: HeldBankLine, received: dict[str, dict[str, dict[str, int]]]
) -> dict[str, int]:
    currency = line.record.currency
    rest = line.record.amount - _of_payouts(group, line)
    named = [link.to for link in line.links if link.to in group.batches]
    own = sorted(subject for subject in named if currency in group.batches[subject].sums)
    shares: dict[str, int] = {}
    for subject in own:
        batch = group.batches[subject]
        needed = due(batch, currency) - sum(received[subject].get(currency, {}).values())
        amount = rest if subject == own[-1] else needed
        rest -= amount
        if amount:
            shares[subject] = amount
    return shares


def _of_payouts(group: Group, line: HeldBankLine) -> int:
    return sum(
        part.amount
        for link in line.links
        for part in group.assigned.get(link.to, ())
        if part.line_id == line.record.line_id
    )


def due(batch: Batch, currency: str) -> int:
    """What bank lines should bring to a batch: its net."""
    totals = batch.sums.get(currency)
    return totals.net if totals is not None else 0


def got(batch: Batch, currency: str) -> int:
    return sum(batch.received.get(currency, {}).values())
