"""What the API answers about settlement batches and bank lines. Amounts are integers in minor units."""

from __future__ import annotations

from datetime import date
from typing import Literal

from app.domain.fields import Moment
from web.schemas import Answer

BatchStatus = Literal["arriving", "awaited", "differs", "paid"]
"""`arriving`: lines may still come; `awaited`: its bank line is; `differs`: a mismatch is open; `paid`: the
bank brought its net, or it comes to nothing."""
LineStatus = Literal["waiting", "open", "paired", "ignored"]


class BatchTrailer(Answer, frozen=True, kw_only=True):
    """The file's own control totals."""

    count: int
    gross: int
    fee: int
    net: int


class BatchPayer(Answer, frozen=True, kw_only=True):
    """A bank line that is booked to a batch, and how much of it."""

    account: str
    line_id: str
    amount: int


class BatchSum(Answer, frozen=True, kw_only=True):
    """A batch in one settle currency: net = gross - fee - tax - reserve + residual, refunds negative.

    `parts`: gross per kind of line. `residual`: what no known part explains, also where it is 0.
    """

    currency: str
    count: int
    gross: int
    fee: int
    tax: int
    reserve: int
    net: int
    residual: int
    parts: dict[str, int]
    first_booked_on: date | None
    last_booked_on: date | None
    trailer: BatchTrailer | None
    received: int
    """What bank lines have brought."""
    paid_by: list[BatchPayer]


class Batch(Answer, frozen=True, kw_only=True):
    source: str
    id: str
    psp: str
    account: str
    status: BatchStatus
    sums: list[BatchSum]
    mismatches: list[str]
    """Ids of those that its facts support, resolved by people or not."""
    last_heard_at: Moment


class BatchPage(Answer, frozen=True, kw_only=True):
    """Last heard of first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[Batch]
    has_more: bool
    next_cursor: str | None


class BankShare(Answer, frozen=True, kw_only=True):
    """`to`: `batch:{source}/{batch id}` or `payout:{merchant}/{payout id}`. `rule`: 1 by name, 2 by amount
    and date, forced by people. `amount`: what of the line is booked to it."""

    to: str
    rule: str
    amount: int


class BankLine(Answer, frozen=True, kw_only=True):
    """Credits to the account are positive. `left`: what nobody has explained yet."""

    account: str
    line_id: str
    amount: int
    currency: str
    value_date: date
    booking_date: date | None
    remittance: str | None
    end_to_end_id: str | None
    status: LineStatus
    ignored: str | None
    """The rule by which it is none of ours."""
    shares: list[BankShare]
    left: int
    candidates: list[str]
    """What it may be by amount and date."""
    reasons: list[str]
    corrections: int
    mismatches: list[str]
    transactions: list[str]
    """Ids of what it posted."""


class BankLinePage(Answer, frozen=True, kw_only=True):
    """By value date, newest first. `next_cursor` is null exactly when `has_more` is false."""

    items: list[BankLine]
    has_more: bool
    next_cursor: str | None


class BankEvidence(Answer, frozen=True, kw_only=True):
    account: str
    line_id: str
    value_date: date


class WayStep(Answer, frozen=True, kw_only=True):
    """One settlement line of one object of a payment, its batch, and the bank lines that paid that batch.

    `rule`: by which the line is the object's. `settled_at`: when the bank's side agreed; null until then.
    """

    kind: str
    object_id: str
    source: str
    line_id: str
    booked_on: date
    rule: str
    gross: int
    fee: int
    currency: str
    net: int
    settle_currency: str
    batch_id: str
    bank: list[BankEvidence]
    settled_at: Moment | None


class PaymentWay(Answer, frozen=True, kw_only=True):
    """A payment's way to the bank. `occurred_at`, `amount`: of its first capture."""

    merchant_id: str
    payment_id: str
    settlement_status: str
    occurred_at: Moment | None
    amount: int
    currency: str
    steps: list[WayStep]
