"""Records of the bank's side: what a bank statement says.

`bank.lines` carries lines as upstream or a statement's file writes them; `banking.commands`, keyed by bank
account, carries them as the banking lane keeps them. Amounts are minor units of `currency`, credits to the
account positive, debits negative.
"""

from datetime import date
from typing import ClassVar

import msgspec

from app.domain.batch_records import (
    BankLineDue,
    BankSweepDue,
    BatchDue,
    BatchLines,
    BatchTell,
    BatchTrailer,
)
from app.domain.commands import PlatformConfigure
from app.domain.fields import Currency, Id, LongId, SignedAmount
from app.domain.money import check_currency
from app.domain.payout_records import PayoutAnnounced, PayoutLineDue
from app.domain.periods import PeriodClose
from app.domain.workflow_records import MismatchActions


class BankLineFields(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False
):
    is_timer: ClassVar[bool] = False

    account: Id
    line_id: Id
    amount: SignedAmount
    currency: Currency
    value_date: date
    booking_date: date | None = None
    """None: the value date."""
    remittance: str | None = None
    """The text the payer wrote; batch ids are looked for in it."""
    end_to_end_id: str | None = None

    def __post_init__(self) -> None:
        check_currency(self.currency)


class BankLine(BankLineFields, frozen=True, kw_only=True, tag="bank.line", gc=False):
    """One line of a bank statement, as the door reads it."""


class BankLineRecorded(BankLineFields, frozen=True, kw_only=True, tag="bank_line.recorded", gc=False):
    """A bank line on its way to its account in the banking lane; `id` is `{account}/{line_id}`."""

    id: LongId


BankingLaneRecord = (
    PlatformConfigure
    | PeriodClose
    | MismatchActions
    | BankLineRecorded
    | BatchLines
    | BatchTrailer
    | BatchDue
    | BankLineDue
    | BankSweepDue
    | BatchTell
    | PayoutAnnounced
    | PayoutLineDue
)
