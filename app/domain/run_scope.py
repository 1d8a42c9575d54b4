"""What a reconciliation run looks at, and what its report says. Amounts are minor units of their currency."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from app.domain.fields import Id, Moment

MOST_LISTED: Final = 200
"""Mismatches that a report lists one by one; all of them are counted."""


class RunScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Empty: everything. Days are those that the facts name themselves, both ends included."""

    source: Id | None = None
    """A settlement source or a bank's."""
    first: date | None = msgspec.field(default=None, name="from")
    last: date | None = msgspec.field(default=None, name="to")
    merchant_id: Id | None = None
    payment_id: Id | None = None
    invoice_id: Id | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"from: {self.first} is after {self.last}")

    @property
    def without_days(self) -> RunScope:
        """What runs of one schedule have in common."""
        return msgspec.structs.replace(self, first=None, last=None)


class SideFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One side in one currency. `amount`: gross of expectations and lines, net of batches and bank lines."""

    side: str
    """`expected`, `settled`, `settled_net` (in the settle currency), `batches`, `banked`."""
    currency: str
    count: int
    amount: int
    matched_count: int = 0
    matched_amount: int = 0


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pairs that a rule made."""

    leg: str
    rule: str
    currency: str
    count: int
    amount: int


class OpenFigures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Open mismatches of a category, a severity and an age; `at_stake`: the sum of |expected - actual|."""

    category: str
    severity: str
    age: str
    """Business days since the facts' own day: `0-1`, `2-3`, `4-7`, `8-30`, `31-90`, `>90`."""
    currency: str | None
    count: int
    at_stake: int


class OpenMismatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    category: str
    severity: str
    status: str
    age: str
    fact_on: date
    merchant_id: str | None = None
    payment_id: str | None = None
    batch_id: str | None = None
    currency: str | None = None
    expected_amount: int | None = None
    actual_amount: int | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Against the last finished run of the same scope: what came, what went. Ids: some of them."""

    since_run_id: str | None = None
    """None: there is none, so nothing has changed."""
    since: Moment | None = None
    opened: int = 0
    resolved: int = 0
    opened_ids: tuple[str, ...] = ()
    resolved_ids: tuple[str, ...] = ()
    matched_count: int = 0
    """More (or fewer) pairs than then."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the books and the lanes said at one moment (`snapshot_at`), as of a day."""

    as_of: date
    """Facts of later days are left out."""
    known_at: Moment
    """What became known later is left out, as far as times are kept: of mismatches and postings."""
    snapshot_at: Moment
    configuration_version: int | None = None
    sides: tuple[SideFigures, ...] = ()
    matched: tuple[RuleFigures, ...] = ()
    open: tuple[OpenFigures, ...] = ()
    largest: tuple[OpenMismatch, ...] = ()
    """Of the open ones, by what is at stake; at most MOST_LISTED."""
    changes: Changes = Changes()

    @property
    def open_count(self) -> int:
        return sum(group.count for group in self.open)

    @property
    def matched_count(self) -> int:
        return sum(group.count for group in self.matched)


class Figures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The short form of a report that the event and the lists carry."""

    matched: int = 0
    open: int = 0
    opened: int = 0
    resolved: int = 0


def figures_of(report: RunReport) -> Figures:
    changes = report.changes
    return Figures(
        matched=report.matched_count,
        open=report.open_count,
        opened=changes.opened,
        resolved=changes.resolved,
    )


RunId = Annotated[str, Meta(min_length=1, max_length=230)]
Reason = Annotated[str, Meta(max_length=200)]
