"""State of the banking lane, all under the bank account's key: lines, batches, and what finds them.

Everything kept is a function of the facts (lines, what matching told, trailers), of which windows have closed
and of what people decided, never of the order in which it came: sets lie sorted, sums are sums.
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, NamedTuple

import msgspec

from app.domain.banking import BankLineRecorded
from app.domain.batch_records import BankEvidence, BatchRef, BatchTrailer
from app.domain.matching import Opened, Posting
from app.domain.state import Ref

BANK_LINE: Final = "bank_line"
BATCH: Final = "batch"
BATCH_PAGE: Final = "batch_page"
BANK_NAME: Final = "bank_name"
BANK_WEEK: Final = "bank_week"
BANK_OPEN: Final = "bank_open"

Rule = Literal["1", "2", "forced"]
"""1: by identity; 2: the only candidate by amount and date; forced: by people. With the leg: B1, C2 …"""


class Link(NamedTuple):
    """A bank line and what it pays or was paid by. `to`: `batch:{source}/{batch_id}`, `payout:{…}`."""

    to: str
    rule: Rule


class OpenVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a sweep says of one entry of the open set.

    "": nothing fits. 2: one fits and only that. 3: exactly one set does, proposed. ambiguous: several do.
    """

    rule: Literal["", "2", "3", "ambiguous"] = ""
    candidates: tuple[str, ...] = ()
    """Subjects of the other side: of a line `batch:…`, else `line:{line_id}`; those of one set together."""
    reasons: tuple[str, ...] = ()


class HeldBankLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bank line, what it posted, whom it belongs to. `earlier`: what corrections replaced, oldest first."""

    record: BankLineRecorded
    postings: tuple[Posting, ...] = ()
    earlier: tuple[BankLineRecorded, ...] = ()
    named: tuple[str, ...] = ()
    """Counterparts that its text names, sorted."""
    matched: str | None = None
    """The counterpart that a sweep gave it."""
    forced: tuple[str, ...] = ()
    """Counterparts that people gave it; they replace all others."""
    ignored: str | None = None
    """Label of the rule by which it is none of ours (a bank fee, salaries)."""
    shares: dict[str, int] = {}
    """Counterpart -> the part of the amount that is booked to it, signed minor units."""
    closed: bool = False
    due_ms: int | None = None
    entered: int | None = None
    """The span of the open set it lies in."""
    verdict: OpenVerdict | None = None
    open: dict[str, Opened] = {}

    @property
    def links(self) -> tuple[Link, ...]:
        """Whom it belongs to: by people, else by name, else by amount."""
        if self.forced:
            return tuple([Link(to, "forced") for to in self.forced])
        if self.named:
            return tuple([Link(to, "1") for to in self.named])
        return (Link(self.matched, "2"),) if self.matched else ()


class Totals(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch's lines in one settle currency, summed; minor units, fees and deductions positive."""

    count: int = 0
    gross: int = 0
    fee: int = 0
    tax: int = 0
    reserve: int = 0
    net: int = 0
    converted: int = 0
    by_kind: dict[str, int] = {}
    days: dict[str, int] = {}
    """Lines per booking date."""

    @property
    def residual(self) -> int:
        """What of the net no known part explains: roundings of conversions, or a line that lies."""
        return self.net - (self.gross - self.fee - self.tax - self.reserve)

    @property
    def first_day(self) -> date | None:
        return min((date.fromisoformat(day) for day in self.days), default=None)

    @property
    def last_day(self) -> date | None:
        return max((date.fromisoformat(day) for day in self.days), default=None)


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settlement batch at the account it is paid to; per settle currency where that is a dictionary."""

    account: str
    source: str
    psp: str
    batch_id: str
    sums: dict[str, Totals] = {}
    trailers: dict[str, BatchTrailer] = {}
    named_by: tuple[str, ...] = ()
    """Bank lines whose text names it, sorted."""
    matched: dict[str, str] = {}
    """The bank line that a sweep gave it."""
    forced: tuple[str, ...] = ()
    """Bank lines that people gave it."""
    received: dict[str, dict[str, int]] = {}
    """Bank line -> what of it is booked to this batch."""
    quiet: bool = False
    """Nothing came for a while: what is there is taken to be all of it."""
    quiet_due_ms: int | None = None
    heard_ms: int = 0
    """When something came last."""
    closed: bool = False
    due_ms: int | None = None
    entered: dict[str, int] = {}
    """The span of the open set it lies in."""
    verdicts: dict[str, OpenVerdict] = {}
    confirmed: tuple[BankEvidence, ...] | None = None
    """The bank lines that pay it where all agrees; empty: it comes to nothing, no line is due."""
    pages: tuple[int, ...] = ()
    """Where its references lie."""
    open: dict[str, Opened] = {}

    @property
    def name(self) -> str:
        return f"{self.source}/{self.batch_id}"

    @property
    def subject(self) -> str:
        return batch_subject(self.name)


class PageLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one settlement line: references and how often they stand, and what was told."""

    counts: tuple[tuple[BatchRef, int], ...] = ()
    told: tuple[BatchRef, ...] = ()
    bank: tuple[BankEvidence, ...] = ()

    @property
    def refs(self) -> tuple[BatchRef, ...]:
        return tuple([ref for ref, count in self.counts if count > 0])


class BatchPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some of a batch's references; which page is a line's follows from its id."""

    lines: dict[str, PageLine] = {}


class BankName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goes by a name in this account: `batch:…` and `payout:…`, sorted."""

    subjects: tuple[str, ...] = ()


class BankWeek(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bank lines of one week by value date, with the names in their texts: a new name is looked for here."""

    lines: dict[str, tuple[str, ...]] = {}


class OpenEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bank line or counterpart whose window closed and that nothing names. `amount`: as the bank signs."""

    subject: str
    """`line:{line_id}`, `batch:{source}/{batch_id}`, `payout:{…}`."""
    amount: int
    day: date
    tolerance: int = 0
    told: OpenVerdict | None = None


class BankOpen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The open set of one currency and span of days."""

    entries: dict[str, OpenEntry] = {}
    sweep_due_ms: int | None = None


def batch_subject(name: str) -> str:
    return f"batch:{name}"


def line_subject(line_id: str) -> str:
    return f"line:{line_id}"


def bank_line_ref(account: str, line_id: str) -> Ref:
    return Ref("document", (BANK_LINE, account, line_id))


def batch_ref(account: str, name: str) -> Ref:
    """`name`: `{source}/{batch_id}`."""
    return Ref("document", (BATCH, account, name))


def page_ref(account: str, name: str, page: int) -> Ref:
    return Ref("document", (BATCH_PAGE, account, f"{name}/{page}"))


def name_ref(account: str, name: str) -> Ref:
    return Ref("document", (BANK_NAME, account, name))


def week_ref(account: str, week: int) -> Ref:
    return Ref("document", (BANK_WEEK, account, str(week)))


def open_ref(account: str, currency: str, span: int) -> Ref:
    return Ref("document", (BANK_OPEN, account, f"{currency}/{span}"))
