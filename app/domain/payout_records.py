"""What merchant lane and banking lane tell each other of payouts (leg C).

A payout announces itself to the bank account that it leaves, whenever it changes; each announcement states
the whole and replaces the last. The banking lane answers with the bank lines that it has found for it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from app.domain.batch_records import BankEvidence
from app.domain.command_base import Command, MerchantCommand
from app.domain.fields import Amount, Currency, Id, Moment, NonNegative, SignedAmount

PayoutFactKind = Literal["failed", "paid", "returned"]


class PayoutAnnounced(Command, frozen=True, kw_only=True, tag="payout.announced", gc=False):
    """A payout as the merchant lane knows it; of two, the one with the higher `seq` holds."""

    account: Id
    """The platform's bank account that it leaves."""
    merchant_id: Id
    payout_id: Id
    seq: NonNegative
    amount: Amount
    currency: Currency
    started_at: Moment
    psp_payout_id: Id | None = None
    bank_fee: NonNegative = 0
    """What the bank kept on top of the amount, as `payout.paid` says."""
    facts: tuple[PayoutFactKind, ...] = ()
    """A sorted set."""
    paid_at: Moment | None = None
    returned_at: Moment | None = None


class PayoutLineDue(Command, frozen=True, kw_only=True, tag="payout.line_due", gc=False):
    """Timer: the window for a payout's bank lines has closed."""

    is_timer: ClassVar[bool] = True

    account: Id
    merchant_id: Id
    payout_id: Id


class PayoutBanked(MerchantCommand, frozen=True, kw_only=True, tag="payout.banked", gc=False):
    """The banking lane's word on a payout: these bank lines are its own; a later word replaces this one."""

    payout_id: Id
    confirmed: bool
    """Whether the bank shows what our books say, to the minor unit or within what the bank may keep."""
    lines: tuple[BankEvidence, ...] = ()
    difference: SignedAmount = 0
    """What the bank moved beyond what our books say, minor units, negative where it took more."""
    occurred_at: Moment


class BankTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the banking lane told of a payout last."""

    confirmed: bool = False
    lines: tuple[BankEvidence, ...] = ()
    difference: int = 0


def payout_name(merchant_id: str, payout_id: str) -> str:
    """Id of a payout among the documents of its account."""
    return f"{merchant_id}/{payout_id}"
