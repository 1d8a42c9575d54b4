"""What the matching lane tells the banking lane of batches, and what the banking lane tells of bank lines.

A batch lives under its source's `settles_to` account. The home of each settlement line tells of its sums, the
home of the expectation of what it settles; both as differences, so that corrections and withdrawals converge
whatever their order. Amounts are minor units of the settle currency, refunds negative.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from app.domain.command_base import Command, MerchantCommand
from app.domain.fields import MAX_AMOUNT, Currency, Id, LongId, Moment, NonNegative, SignedAmount
from app.domain.settlement import LineKind

SignedCount = Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
MOST_REFS: Final = 200
"""References that one record carries; more are sent in further ones."""


class BatchSums(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """By how much a batch's sums in one settle currency change; a line that leaves counts negative.

    `gross` is in the settle currency, at the line's own rate where the PSP converted.
    """

    currency: Currency
    count: SignedCount
    gross: SignedAmount
    fee: SignedAmount = 0
    tax: SignedAmount = 0
    reserve: SignedAmount = 0
    net: SignedAmount
    converted: SignedCount = 0
    """Lines whose gross was in another currency: each may round by one minor unit."""
    by_kind: dict[str, SignedAmount] = {}
    """Gross per kind of line."""
    days: dict[str, SignedCount] = {}
    """Lines per booking date."""


class BatchRef(msgspec.Struct, frozen=True, order=True, gc=False):
    """What a settlement line of a batch settles. `gross` in `currency`, `net` in `settle_currency`."""

    line: LongId
    """`{source}/{line_id}`."""
    merchant_id: Id
    payment_id: Id
    object_id: Id
    kind: LineKind
    gross: SignedAmount
    currency: Currency
    net: SignedAmount
    settle_currency: Currency


class BatchLines(Command, frozen=True, kw_only=True, tag="batch.lines", gc=False):
    """What one transaction of the matching lane changed of a batch."""

    account: Id
    source: Id
    psp: Id
    batch_id: Id
    sums: tuple[BatchSums, ...] = ()
    refs: tuple[BatchRef, ...] = ()
    """Known from now on."""
    withdrawn: tuple[BatchRef, ...] = ()
    """Told before, and no longer so."""


class TrailerFields(Command, frozen=True, kw_only=True, gc=False):
    """A batch's control totals in minor units of `settle_currency`; a later one replaces it."""

    id: Annotated[str, Meta(min_length=1, max_length=405)]
    """`{source}/{batch_id}/{settle_currency}`."""
    source: Id
    psp: Id
    batch_id: Id
    count: NonNegative
    gross: SignedAmount
    fee: SignedAmount
    net: SignedAmount
    settle_currency: Currency


class TrailerRecorded(TrailerFields, frozen=True, kw_only=True, tag="trailer.recorded", gc=False):
    """A trailer on its way through the matching lane, which knows the account that its source settles to."""


class BatchTrailer(TrailerFields, frozen=True, kw_only=True, tag="batch.trailer", gc=False):
    """A trailer at its batch."""

    account: Id


class BatchDue(Command, frozen=True, kw_only=True, tag="batch.due", gc=False):
    """Timer: nothing was heard of a batch for a while (`quiet`), or its bank line is due (`bank`)."""

    is_timer: ClassVar[bool] = True

    account: Id
    source: Id
    batch_id: Id
    window: Literal["quiet", "bank"]


class BankLineDue(Command, frozen=True, kw_only=True, tag="bank_line.due", gc=False):
    """Timer: a bank line's window for its batch or payout has closed."""

    is_timer: ClassVar[bool] = True

    account: Id
    line_id: Id


class BankSweepDue(Command, frozen=True, kw_only=True, tag="bank.sweep_due", gc=False):
    """Timer: what lies open around `span` in one currency of an account is compared by amount and date."""

    is_timer: ClassVar[bool] = True

    account: Id
    currency: Currency
    span: NonNegative


class BatchTell(Command, frozen=True, kw_only=True, tag="batch.tell", gc=False):
    """The banking lane to itself: tell merchants what a page of a batch's references now comes to."""

    account: Id
    source: Id
    batch_id: Id
    page: NonNegative


class BankEvidence(msgspec.Struct, frozen=True, order=True, gc=False):
    """A bank line that paid a batch."""

    account: Id
    line_id: Id
    value_date: date


class PaymentSettled(MerchantCommand, frozen=True, kw_only=True, tag="payment.settled", gc=False):
    """The banking lane's word on one settlement line of a payment's object: the bank has paid its batch.

    `settled` False: no longer so. A later word on the same line and batch replaces this one.
    """

    payment_id: Id
    object_id: Id
    kind: LineKind
    source: Id
    batch_id: Id
    line: LongId
    gross: SignedAmount
    currency: Currency
    net: SignedAmount
    settle_currency: Currency
    bank: tuple[BankEvidence, ...] = ()
    """Empty for a batch of nothing, which no bank line pays."""
    settled: bool
    occurred_at: Moment


def batch_name(source: str, batch_id: str) -> str:
    """Id of a batch among the documents of its account."""
    return f"{source}/{batch_id}"
