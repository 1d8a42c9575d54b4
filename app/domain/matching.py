"""State of the matching lane: one `Item` per (psp, identity, kind), where both sides of leg A meet.

An item is three things at once. Home: of the expectation and the lines whose first identity this is. Meeting
place: what points here from other homes (`claims`, `visitors`). Directory: whose payment a PSP's id is.
It holds the facts as they came and what has been derived from them so far. Lines lie in their own order,
never in order of arrival, so that two items with the same facts are judged the same.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from app.domain.matching_records import Candidate, OpenEntry, Verdict
from app.domain.settlement import (
    ExpectationAnnounced,
    FactUnaddressed,
    LineFields,
    LineKind,
    LineRecorded,
)
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
    """A settlement line and what it posted here. `earlier`: what corrections replaced, oldest first."""

    record: LineRecorded
    postings: tuple[Posting, ...] = ()
    earlier: tuple[LineRecorded, ...] = ()
    guest_of: str | None = None
    """The line's home where that is another key; it posted the line as unapplied there."""
    rule: str = "A1"
    """By which rule it is with the expectation of this item."""
    pointed: str | None = None
    """At its home: the further identity that knows of it."""
    met: tuple[Candidate, ...] = ()
    """At its home: whom that identity has met."""
    sent_to: Candidate | None = None
    """At its home: whose home judges it now."""
    entered: OpenEntry | None = None
    """At its home: as what it lies in the open partition."""
    verdict: Verdict | None = None
    """At its home: what the open partition says of it."""
    reported: bool = False
    """A chargeback that no dispute announced: the merchant was told of it."""
    forced: Candidate | None = None
    """At its home: the expectation that people said it settles."""
    counted: str | None = None
    """At its home: the bank account whose batch was told of it."""
    refers: str | None = None
    """With its expectation: the bank account whose batch was told what it settles."""

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
    """What is judged here: guests of the expectation, and lines of this home that went nowhere else."""
    settlement_closed: bool = False
    payment_closed: bool = False
    settlement_due_ms: int | None = None
    payment_due_ms: int | None = None
    open: dict[str, Opened] = {}
    away: tuple[HeldLine, ...] = ()
    """Lines of this home that another home judges."""
    claims: tuple[Candidate, ...] = ()
    """Expectations of other homes that have this identity, too."""
    visitors: dict[str, str] = {}
    """Lines of other homes that have this identity, too: line -> its home."""
    facts: tuple[FactUnaddressed, ...] = ()
    """What the PSP said of a payment that nobody knows yet."""
    owner: tuple[str, str] | None = None
    """(merchant, payment) that claimed this PSP id before any capture."""
    entered: OpenEntry | None = None
    """As what the expectation lies in the open partition."""
    verdict: Verdict | None = None
    """What the open partition says of the expectation."""
    silent: bool = False
    """The expectation left no pointers: its PSP's lines named no references when it was announced."""
    matched: bool = False
    """What the merchant lane was told last."""

    def find(self, line_id: str) -> HeldLine | None:
        """The line held under a record id (`{source}/{line_id}`), guests included."""
        return next((held for held in (*self.lines, *self.away) if held.record.id == line_id), None)

    def with_line(self, line: HeldLine) -> Item:
        """Add a line to those judged here, or replace the one of the same id, in the lines' own order."""
        others = [held for held in self.lines if held.record.id != line.record.id]
        return replace(self, lines=tuple(sorted([*others, line], key=lambda held: held.order)))

    def with_away(self, line: HeldLine) -> Item:
        others = [held for held in self.away if held.record.id != line.record.id]
        return replace(self, away=tuple(sorted([*others, line], key=lambda held: held.order)))

    def without_line(self, line_id: str) -> Item:
        rest = tuple(held for held in self.lines if held.record.id != line_id)
        away = tuple(held for held in self.away if held.record.id != line_id)
        return replace(self, lines=rest, away=away)

    @property
    def own_lines(self) -> tuple[HeldLine, ...]:
        """Lines whose home this is and that nobody else judges."""
        return tuple([held for held in self.lines if held.guest_of is None])

    @property
    def here(self) -> Candidate | None:
        """The expectation of this home, as others see it."""
        return candidate_of(self.expectation) if self.expectation is not None else None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All expectations that have this identity."""
        return self.claims if self.expectation is None else tuple(sorted({*self.claims, *_one(self.here)}))


def _one(candidate: Candidate | None) -> tuple[Candidate, ...]:
    return () if candidate is None else (candidate,)


def candidate_of(record: ExpectationAnnounced) -> Candidate:
    return Candidate(record.merchant_id, record.object_id, record.payment_id, expectation_identity(record))


def item_ref(psp: str, identity: str, kind: str) -> Ref:
    return Ref("item", (psp, identity, kind))


def home(psp: str, identity: str) -> str:
    """Record key of an item on `matching.commands`."""
    return f"{psp}:{identity}"


def expectation_identity(record: ExpectationAnnounced) -> str:
    """An expectation's home: what it names, else its first, strongest identity."""
    return record.home or record.identities[0]


def further_identities(record: ExpectationAnnounced) -> tuple[str, ...]:
    """Where an expectation leaves pointers."""
    own = expectation_identity(record)
    return tuple([identity for identity in record.identities if identity != own])


def line_identity(line: LineFields) -> str:
    """A line names the PSP's object id, else the merchant's reference; its type demands one of them."""
    return line.psp_payment_id or line.merchant_ref or ""


def second_identity(line: LineFields) -> str | None:
    """The merchant's reference of a line that also names the PSP's object."""
    reference = line.merchant_ref
    return reference if line.psp_payment_id and reference != line.psp_payment_id else None
