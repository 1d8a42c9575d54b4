"""State of the matching lane: one `Item` per (psp, identity, kind), where both sides of leg A meet.

An item holds the facts as they came (the expectation, the lines) and what has been derived from them so
far (postings, open mismatches, pending timers). Lines lie in their own order, never in order of arrival,
so that two items with the same facts are judged the same.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from app.domain.settlement import ExpectationAnnounced, LineFields, LineKind, LineRecorded
from app.domain.state import Ref


class Amount(NamedTuple):
    """A signed amount on an account: minor units of `currency`, positive for debit, negative for credit."""

    account: str
    currency: str
    debit: int


class Posting(NamedTuple):
    """A ledger transaction that a line has made and that is still in force."""

    transaction_id: str
    amounts: tuple[Amount, ...]


class Opened(NamedTuple):
    """A mismatch that is open for a finding; `evidence` tells whether the finding is still the same."""

    mismatch_id: str
    evidence: str


class HeldLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settlement line and what it posted. `earlier`: contents that corrections replaced, oldest first."""

    record: LineRecorded
    postings: tuple[Posting, ...] = ()
    earlier: tuple[LineRecorded, ...] = ()

    @property
    def order(self) -> tuple[str, str, str]:
        """Lines of one expectation are taken by (booked_on, line id); the source only breaks ties."""
        return (self.record.booked_on.isoformat(), self.record.line_id, self.record.source)


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of a PSP (a capture, a refund) with both sides; amounts in minor units.

    `open`: key of a finding (`judge.Finding.key`) -> the mismatch that is open for it.
    `settlement_due_ms`, `payment_due_ms`: due time of the pending timer, epoch milliseconds.
    """

    psp: str
    identity: str
    kind: LineKind
    expectation: ExpectationAnnounced | None = None
    lines: tuple[HeldLine, ...] = ()
    settlement_closed: bool = False
    payment_closed: bool = False
    settlement_due_ms: int | None = None
    payment_due_ms: int | None = None
    open: dict[str, Opened] = {}

    def find(self, line_id: str) -> HeldLine | None:
        """The line held under a record id (`{source}/{line_id}`)."""
        return next((held for held in self.lines if held.record.id == line_id), None)

    def with_line(self, line: HeldLine) -> Item:
        """Add a line, or replace the one of the same id, keeping the lines' own order."""
        others = [held for held in self.lines if held.record.id != line.record.id]
        return msgspec.structs.replace(
            self, lines=tuple(sorted([*others, line], key=lambda held: held.order))
        )

    def without_line(self, line_id: str) -> Item:
        rest = tuple(held for held in self.lines if held.record.id != line_id)
        return msgspec.structs.replace(self, lines=rest)


def item_ref(psp: str, identity: str, kind: str) -> Ref:
    return Ref("item", (psp, identity, kind))


def home(psp: str, identity: str) -> str:
    """Record key of an item on `matching.commands`."""
    return f"{psp}:{identity}"


def expectation_identity(record: ExpectationAnnounced) -> str:
    """An expectation's home: what it names, else its first, strongest identity."""
    return record.home or record.identities[0]


def line_identity(line: LineFields) -> str:
    """A line names the PSP's object id, else the merchant's reference; its type demands one of them."""
    return line.psp_payment_id or line.merchant_ref or ""
