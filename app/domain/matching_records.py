"""What the homes and meeting places of the matching lane tell each other, all on `matching.commands`.

An expectation or a line lives under one key, its home, and leaves a pointer under every further identity. A
place that sees both tells the line's home whom it met; the line's home chooses and sends the line to the
expectation's home, which alone pairs and judges. What nobody claimed goes to `{psp}:{currency}:open`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from app.domain.batch_records import TrailerRecorded
from app.domain.command_base import Command
from app.domain.commands import ParkedExpire, PlatformConfigure
from app.domain.fields import Currency, Id, LongId, NonNegative, SignedAmount
from app.domain.periods import PeriodClose
from app.domain.settlement import (
    ExpectationAnnounced,
    ExpectationWithdrawn,
    FactUnaddressed,
    IdentityClaimed,
    LineKind,
    LineRecorded,
    PaymentDue,
    SettlementDue,
)
from app.domain.workflow_records import MismatchActions

Side = Literal["expectation", "line"]


class Candidate(msgspec.Struct, frozen=True, order=True, gc=False):
    """An expectation as others see it: whose object it is and where it lives."""

    merchant_id: Id
    object_id: Id
    payment_id: Id
    home: LongId

    @property
    def subject(self) -> str:
        return f"{self.merchant_id}/{self.object_id}"


class Placed(Command, frozen=True, kw_only=True, gc=False):
    """A record for the item (psp, identity, kind)."""

    psp: Id
    identity: LongId
    kind: LineKind


class ExpectationPointed(Placed, frozen=True, kw_only=True, tag="expectation.pointed", gc=False):
    """An expectation of another home has this identity, too."""

    candidate: Candidate


class ExpectationUnpointed(Placed, frozen=True, kw_only=True, tag="expectation.unpointed", gc=False):
    """It no longer has it, or is no longer expected."""

    candidate: Candidate


class LinePointed(Placed, frozen=True, kw_only=True, tag="line.pointed", gc=False):
    """A line of another home has this identity, too; whoever is met here is told to its home."""

    line: LongId
    home: Id
    again: bool = False
    """It was corrected and may have asked here before: it is told even that nobody is met, lest an older
    answer stands."""


class LineUnpointed(Placed, frozen=True, kw_only=True, tag="line.unpointed", gc=False):
    line: LongId


class LineMet(Placed, frozen=True, kw_only=True, tag="line.met", gc=False):
    """A place's answer to a line's home: all expectations of that identity, replacing its earlier answer."""

    line: LongId
    candidates: tuple[Candidate, ...]
    place: LongId | None = None
    """The identity that answers; the line may have been corrected to another one meanwhile."""


class LineAssigned(Placed, frozen=True, kw_only=True, tag="line.assigned", gc=False):
    """A line's home sends it, or its correction, to the home of the expectation it belongs to."""

    line: LineRecorded
    home: Id
    rule: Literal["A1", "A2"] = "A1"


class LineUnassigned(Placed, frozen=True, kw_only=True, tag="line.unassigned", gc=False):
    line: LongId


class LineHomed(Command, frozen=True, kw_only=True, tag="line.homed", gc=False):
    """To a line's own entry in the directory: it has come to this home."""

    psp: Id
    line: LongId
    home: Id
    kind: LineKind
    arrived_ms: NonNegative
    """Append time of the line at that home, epoch milliseconds; the latest has the line."""


class LineMoved(Placed, frozen=True, kw_only=True, tag="line.moved", gc=False):
    """A correction of this line has come to another home: here it is given up."""

    line: LongId


class OpenEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What nobody shares an identity with, or several do; what A2 and A3 go by. `gross` in minor units."""

    side: Side
    subject: LongId
    """`{merchant}/{object}` of an expectation, `{source}/{line_id}` of a line."""
    psp: Id
    home: LongId
    kind: LineKind
    currency: Currency
    gross: SignedAmount
    day: date
    """A line's booking date; an expectation's settlement day T."""
    until: date | None = None
    """The last booking date that can be this expectation's."""
    candidate: Candidate | None = None
    """Of an expectation: what its matches are told."""
    has_id: bool = False
    """It names the PSP's object: two that both do, and share none, contradict each other."""
    has_ref: bool = False
    """It names the merchant's reference; likewise."""
    among: tuple[str, ...] = ()
    """Of a line whose identity several expectations share: only these may be its match."""


class OpenRecord(Command, frozen=True, kw_only=True, gc=False):
    entry: OpenEntry


class OpenEntered(OpenRecord, frozen=True, kw_only=True, tag="open.entered", gc=False):
    """Its window has closed and no identity paired it."""


class OpenLeft(OpenRecord, frozen=True, kw_only=True, tag="open.left", gc=False):
    """An identity has paired it after all, or it is gone. Holds the entry as it was sent."""


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A near one that is not the match, and why."""

    subject: str
    gross: int
    day: date
    reasons: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What the open partition says of one entry. A2 with one candidate: confirmed. A3: a person decides."""

    rule: Literal["", "A2", "A3"] = ""
    candidates: tuple[Candidate, ...] = ()
    lines: tuple[str, ...] = ()
    """Of an expectation: the lines that may be its match."""
    rejected: tuple[Rejected, ...] = ()
    """What lay near when it was decided; what comes near later does not change it."""

    def same_as(self, other: Verdict) -> bool:
        return (self.rule, self.candidates, self.lines) == (other.rule, other.candidates, other.lines)


class MatchDecided(Placed, frozen=True, kw_only=True, tag="match.decided", gc=False):
    """The open partition's answer to a home; a later one replaces it."""

    side: Side
    subject: LongId
    verdict: Verdict
    currency: Currency | None = None
    """Of the entry that it answers; a correction may have moved the subject to another partition."""


def open_key(psp: str, currency: str) -> str:
    """Record key of the partition where what is left over is compared."""
    return f"{psp}:{currency}:open"


MatchingLaneRecord = (
    PlatformConfigure
    | PeriodClose
    | ExpectationAnnounced
    | ExpectationWithdrawn
    | IdentityClaimed
    | FactUnaddressed
    | LineRecorded
    | TrailerRecorded
    | ExpectationPointed
    | ExpectationUnpointed
    | LinePointed
    | LineUnpointed
    | LineMet
    | LineAssigned
    | LineUnassigned
    | LineHomed
    | LineMoved
    | OpenEntered
    | OpenLeft
    | MatchDecided
    | SettlementDue
    | PaymentDue
    | ParkedExpire
    | MismatchActions
)
